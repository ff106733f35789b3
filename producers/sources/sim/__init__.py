"""A lap simulator: the demo's cars, a load generator, and mistakes whose cost is known."""

from producers.sources.sim.mistakes import Mistake
from producers.sources.sim.pacing import observations
from producers.sources.sim.race import Race
from producers.sources.sim.source import drive
from producers.sources.sim.truth import Driven, Truth, driven_laps

__all__ = ["Driven", "Mistake", "Race", "Truth", "drive", "driven_laps", "observations"]
