"""A lap simulator: the demo's cars, a load generator, and mistakes of known cost.

Reads: a `Race`.
Writes: nothing; yields observations, or F1 packets by `f1_udp`.
Guarantees: equal races give equal frames; `truth` computes what each mistake cost.
Does not guarantee: realism beyond a point mass with grip, drag, engine, fuel and tyres.
"""

from producers.sources.sim.hindrances import Hindrance
from producers.sources.sim.mistakes import Mistake
from producers.sources.sim.pacing import observations
from producers.sources.sim.race import Race
from producers.sources.sim.source import drive
from producers.sources.sim.truth import Driven, Truth, driven_laps

__all__ = [
    "Driven",
    "Hindrance",
    "Mistake",
    "Race",
    "Truth",
    "drive",
    "driven_laps",
    "observations",
]
