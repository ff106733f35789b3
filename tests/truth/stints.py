"""The stints that a seed stands for: both circuits, two drivers, mistakes, traffic and flags."""

import random
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from producers.sources.sim import Hindrance, Mistake, Race
from producers.sources.sim.car import MODELS
from producers.sources.sim.circuits import track
from producers.sources.sim.hindrances import Kind as HindranceKind
from producers.sources.sim.laps import Drive
from producers.sources.sim.mistakes import Kind
from producers.sources.sim.track import Track

CONSISTENCIES: Final = (0.95, 0.80)
LAPS: Final = {"kestrel-vale": 16, "pebble-lane": 26}
"""Flying laps of a stint."""

FIRST_REPORTED: Final = 1000
"""Seeds below this one are for tuning, the others for reporting."""

SKILLS: Final = 0.96, 0.98
"""About the simulator's default, 0.97. At one consistency a weaker driver varies more in seconds:
he is farther from the limit, which cuts off chance on one side."""

FUEL_L: Final = 80.0
"""Enough for the stint, as far as the tank allows."""

LEARNED_LAPS: Final = 4
"""Laps before the first mistake: the track and the driver's usual way are learned on them."""

MISTAKES_SHARE: Final = 0.45
AGAIN_SHARE: Final = 0.15
"""Probability of a mistake on a lap, and of the same one again on the next lap."""

HINDERED_SHARE: Final = 0.15
HINDRANCES: Final[dict[HindranceKind, tuple[float, tuple[float, float]]]] = {
    "traffic": (0.7, (0.01, 0.06)),
    "yellow": (0.15, (0.1, 0.3)),
    "blue": (0.15, (0.02, 0.05)),
}
"""How often a kind comes, and by which shares of the speed the car is slower."""

SIZES: Final[dict[Kind, tuple[float, tuple[float, float]]]] = {
    "brakes-early": (3, (4, 40)),
    "slow-minimum": (3, (0.8, 5)),
    "late-throttle": (3, (8, 60)),
    "too-fast-in": (3, (4, 14)),
    "off-track": (1.5, (5.3, 9)),
    "slow-arc": (1, (0.5, 3)),
    "wide": (1, (1.5, 3.5)),
    "lock-up": (1, (4, 12)),
    "second-brake": (1, (3, 10)),
    "spin": (0.5, (15, 40)),
    "lift": (1, (25, 90)),
    "early-throttle": (1, (6, 20)),
}
"""How often a kind is made, relative to the others, and its sizes."""

BRAKES_MPS: Final = 4.0
"""Speed that is braked away at least where braking mistakes are made."""


class Stint(Struct, frozen=True):
    """Name one stint of a seed."""

    seed: int
    track: str
    consistency: float

    @property
    def name(self) -> str:
        """Return the stint's name in lists."""
        return f"{self.seed} {self.track}"

    @property
    def is_noisy(self) -> bool:
        """Return whether real instruments measure the stint, not exact ones."""
        return self.seed % 2 == 1

    def race(self) -> Race:
        """Return the drive, with one mistake or one hindrance on some laps."""
        chance = random.Random(f"{self.seed}/{self.track}/{self.consistency}/stint")
        model = tuple(MODELS)[self.seed % len(MODELS)]
        clean = Race(
            track=self.track,
            car_model=model,
            seed=self.seed,
            skill=chance.uniform(*SKILLS),
            consistency=self.consistency,
            laps=LAPS[self.track],
            noise=self.is_noisy,
            fuel_l=min(FUEL_L, MODELS[model].tank_l),
            fuel_spread=0.02,
        )
        mistakes, hindrances = _drawn(chance, clean)
        return replace(clean, mistakes=mistakes, hindrances=hindrances)


def stints(first_seed: int, last_seed: int, consistency: float) -> Iterator[Stint]:
    """Yield the stints of seeds at one consistency."""
    for seed in range(first_seed, last_seed + 1):
        for name in LAPS:
            yield Stint(seed, name, consistency)


def _drawn(chance: random.Random, clean: Race) -> tuple[tuple[Mistake, ...], tuple[Hindrance, ...]]:
    mistakes: list[Mistake] = []
    hindrances: list[Hindrance] = []
    driven, braked = track(clean.track), _braked(clean)
    before: Mistake | None = None
    for lap in range(LEARNED_LAPS + 1, LAPS[clean.track] + 1):
        drawn = chance.random()
        again = chance.random() < AGAIN_SHARE
        mistake = _mistake(chance, lap, driven, braked)
        hindrance = _hindrance(chance, lap, driven)
        if before is not None and again:
            mistakes.append(replace(before, lap=lap))
            before = None
        elif drawn < MISTAKES_SHARE:
            before = mistake
            mistakes.append(mistake)
        else:
            before = None
            if drawn < MISTAKES_SHARE + HINDERED_SHARE:
                hindrances.append(hindrance)
    return tuple(mistakes), tuple(hindrances)


def _braked(race: Race) -> list[int]:
    """Return the turns before which the car brakes enough to do it wrongly, and after it."""
    laps = Drive(race).laps()
    next(laps)
    lap = next(laps)
    braked = []
    for taken in lap.passes:
        if taken.brakes_m is not None:
            entered = lap.squares[lap.task.track.node(taken.brakes_m)] ** 0.5
            if entered - taken.minimum_mps > BRAKES_MPS:
                braked.append(taken.turn)
    return braked


def _mistake(chance: random.Random, lap: int, driven: Track, braked: list[int]) -> Mistake:
    kinds = tuple(SIZES)
    [kind] = chance.choices(kinds, [SIZES[one][0] for one in kinds])
    turns = [
        turn for turn in braked if kind != "lift" or turn + 1 in (*braked, len(driven.corners) + 1)
    ]
    least, most = SIZES[kind][1]
    return Mistake(lap, chance.choice(turns), kind, round(chance.uniform(least, most), 2))


def _hindrance(chance: random.Random, lap: int, driven: Track) -> Hindrance:
    kinds = tuple(HINDRANCES)
    [kind] = chance.choices(kinds, [HINDRANCES[one][0] for one in kinds])
    from_m = round(chance.uniform(0.0, 0.65) * driven.length_m)
    until_m = from_m + round(0.35 * driven.length_m)
    slower = round(chance.uniform(*HINDRANCES[kind][1]), 3)
    return Hindrance(lap, float(from_m), float(until_m), kind, slower)
