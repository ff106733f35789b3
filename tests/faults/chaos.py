"""A mix of all faults, drawn from a seed; the same seed draws the same faults."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Final

from tests.faults import faults
from tests.faults.pace import Pace
from tests.faults.programs import Driver
from tests.faults.stack import Stack

Fault = Callable[[Stack, Driver], AbstractContextManager[None]]

# Grouped by target, so that two concurrent faults never have the same target.
FAULTS: Final[dict[str, tuple[Fault, ...]]] = {
    "link": (
        lambda _, car: faults.link_cut(car),
        lambda _, car: faults.black_hole(car, reset=False),
        lambda _, car: faults.black_hole(car, reset=True),
    ),
    "producer": (lambda _, car: faults.killed(car), lambda _, car: faults.paused(car)),
    "persister": (
        lambda stack, _: faults.killed(stack.persister),
        lambda stack, _: faults.paused(stack.persister),
    ),
    "timing": (
        lambda stack, _: faults.killed(stack.timing),
        lambda stack, _: faults.paused(stack.timing),
    ),
    "nats-server": (
        lambda stack, _: faults.killed(stack.nats),
        lambda stack, _: faults.paused(stack.nats),
        lambda stack, _: faults.store_wiped(stack),
        lambda stack, _: faults.store_goes_back(stack),
    ),
    "postgres": (
        lambda stack, _: faults.postgres_stopped(stack),
        lambda stack, _: faults.database_goes_back(stack),
    ),
}
LONGEST_S: Final = 8.0


def chaos(stack: Stack, pace: Pace, *, seed: int) -> None:
    """Two cars, one or two faults at a time, each for up to eight seconds, drawn from a seed."""
    draw = random.Random(seed)
    cars = [stack.drives(), stack.drives(name="KAI")]
    left_s = pace.chaos_s
    while left_s > 0:
        quiet_s, lasts_s = draw.uniform(0.3, 3), draw.uniform(0.3, LONGEST_S)
        car = draw.choice(cars)
        struck = draw.sample(sorted(FAULTS), draw.choice((1, 1, 2)))
        stack.lasts(quiet_s)
        with ExitStack() as broken:
            for target in struck:
                broken.enter_context(draw.choice(FAULTS[target])(stack, car))
            stack.lasts(lasts_s)
        left_s -= quiet_s + lasts_s
    stack.healed()


def of_seed(seed: int) -> Callable[[Stack, Pace], None]:
    """Return the case of a seed."""
    return partial(chaos, seed=seed)
