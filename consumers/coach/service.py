"""The refinement of passes into moments as a service."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, replace

from consumers.coach import debrief, decide, tables
from consumers.coach.debrief import Stint
from pitbox.chunks.owner import Owner
from pitbox.postgres import facts
from pitbox.postgres.errors import Conflict
from pitbox.postgres.passes import PASSES
from pitbox.service.lifetime import Service
from pitbox.service.refine import Refine
from pitbox.settings import Settings
from schemas.coaching import Debrief, Moment, Silence
from schemas.passes import Passes

LAPS: Final = """
select car, lap_number, revision from passes where session = $1 and driver = $2
order by started_ns, lap_number
"""
ONE: Final = f"{PASSES.select('passes')} and car = $3 and lap_number = $4 and revision = $5"


class Driven(Struct, frozen=True):
    """Name the passes of a lap; other ones of it have another revision."""

    car: str
    lap_number: int
    revision: int


class State(Struct, frozen=True):
    """Hold what laps decide, and the stint that they are part of."""

    laps: decide.State = decide.initial()
    stint: Stint = Stint()


Fact = Moment | Silence | Debrief


class Coach:
    """Offer the pure fold of passes to the runtime."""

    name = "coach"
    version = 1
    reads_telemetry = False

    async def items(self, connection: Any, owner: Owner) -> Sequence[Driven]:
        """Return the laps whose passes there are, in order."""
        rows = await connection.fetch(LAPS, *owner)
        return [Driven(*row) for row in rows]

    async def material(self, connection: Any, owner: Owner, item: Driven) -> Passes:
        """Return the passes of a lap; raises Conflict once they have another revision."""
        row = await connection.fetchrow(ONE, *owner, *astuple(item))
        if row is None:
            raise Conflict("the passes of a lap have changed")
        return PASSES.event(row)

    def initial(self) -> State:
        """Return the state before the first lap."""
        return State()

    def step(self, state: State, item: Driven, material: Passes) -> tuple[State, Iterable[Fact]]:
        """Decide what is worth saying about a lap, and about its stint so far."""
        laps, said = decide.step(state.laps, material)
        stint, shown = debrief.step(state.stint, material, said)
        return State(laps, stint), [said, *([shown] if shown else [])]

    def snapshot(self, state: State) -> bytes:
        """Return a state as bytes."""
        return _encode(state)

    def restore(self, snapshot: bytes) -> State:
        """Return the state of a snapshot; raises ValueError."""
        return _decode(snapshot)

    def withdrawn(self, fact: Fact) -> Moment | None:
        """Return a moment as withdrawn; silences and debriefs end without a word."""
        return replace(fact, withdrawn=True) if isinstance(fact, Moment) else None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(State).decode


def service(settings: Settings) -> Service:
    """Return the coach service; raises TopologyError when streams.yaml lacks it."""
    return Refine(Coach(), facts.scan(tables), settings)
