"""A refinement for tests: it adds the times of a driver's laps up, lap by lap.

Its facts are laps of a car named "total". `streams` declares it as a service that refines timing's.
"""

import functools
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from pitbox import settings
from pitbox.chunks.owner import Owner
from pitbox.postgres import facts
from pitbox.postgres.facts import FactTables
from pitbox.service import lifetime
from pitbox.service.refine import Refine
from schemas.timing import Lap
from tests.tools import toy_tables
from tests.tools.hub import streams_with

NAME: Final = "totals"
CREATE: Final = "create table toy_total (like lap including all)"
OWN: Final = """
select lap_number, revision, lap_time_s from lap
where session = $1 and driver = $2 and own and lap_time_s is not null order by lap_number
"""


class Totals:
    """State after each lap the sum of the times so far."""

    name = NAME
    reads_telemetry = False

    def __init__(self, version: int = 1) -> None:
        self.version = version
        self.steps: list[int] = []

    async def items(self, connection: Any, owner: Owner) -> Sequence[Lap]:
        """Return the laps with a time."""
        session, driver = owner
        return [
            lap(row["lap_number"], row["lap_time_s"], session=session, driver=driver)
            for row in await connection.fetch(OWN, *owner)
        ]

    async def material(self, connection: Any, owner: Owner, item: Lap) -> None:
        """Return nothing."""

    def initial(self) -> float:
        return 0.0

    def step(self, state: float, item: Lap, material: None) -> tuple[float, Iterable[Lap]]:
        self.steps.append(item.lap_number)
        total_s = round(state + (item.lap_time_s or 0.0), 3)
        return total_s, [replace(item, car="total", own=False, lap_time_s=total_s)]

    def snapshot(self, state: float) -> bytes:
        return msgspec.msgpack.encode(state)

    def restore(self, snapshot: bytes) -> float:
        return msgspec.msgpack.decode(snapshot, type=float)

    def withdrawn(self, fact: Lap) -> Lap:
        """Return a total without a time."""
        return replace(fact, lap_time_s=None, valid=False)


def lap(number: int, lap_time_s: float | None, **fields: Any) -> Lap:
    """Return a lap of the own car."""
    about: dict[str, Any] = {"session": "test", "driver": "ada", "at_ns": 0} | fields
    return Lap(**about, car="7", own=True, lap_number=number, revision=1, lap_time_s=lap_time_s)


def tables() -> FactTables:
    return facts.scan(toy_tables)


@functools.cache
def streams() -> str:
    """Return the path of a streams.yaml that declares the refinement as well."""
    return streams_with(
        Path(tempfile.mkdtemp(prefix="pitbox-totals-")),
        NAME,
        about="a refinement of the tests",
        kind="refine",
        of="timing",
        reads=["timing.lap"],
        writes=["timing.lap"],
    )


if __name__ == "__main__":
    loaded = settings.load()
    sys.exit(lifetime.run(Refine(Totals(), tables(), loaded), loaded))
