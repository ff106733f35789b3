"""The refinement of laps into passes of corners as a service."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from consumers.corners import decide, tables, tracks
from consumers.corners.frames import CHANNELS, Frames
from consumers.corners.learning import LAPS as ENOUGH
from consumers.corners.learning import is_whole
from pitbox.chunks.owner import Owner
from pitbox.postgres import facts, telemetry
from pitbox.postgres.laps import LAPS
from pitbox.service.lifetime import Service
from pitbox.service.refine import Refine
from pitbox.settings import Settings
from schemas.channels import CHANNEL_BY_NAME
from schemas.channels import CHANNELS as ALL
from schemas.passes import Passes
from schemas.timing import Lap
from schemas.track import Track

LEARNED_FROM: Final = 5
"""A track is learned from at most so many laps, the newest."""

MAX_TRIED: Final = 4096

SESSION: Final = """
select track, track_length_m, started_ns from session where session = $1 and driver = $2
"""
DRIVEN: Final = f"""
{LAPS.select("lap")} and own and started_ns is not null and ended_ns > started_ns
order by started_ns, lap_number
"""

WANTED: Final = tuple(CHANNEL_BY_NAME[name].id for name in CHANNELS)
NAMES: Final = {channel.id: channel.name for channel in ALL}


class Ground(Struct, frozen=True):
    """Hold what is before all laps: the track, None while it is not known."""

    track: Track | None


class State(Struct, frozen=True):
    """Hold the track, how many whole laps were driven on it, and what is kept of them."""

    track: Track | None = None
    whole: int = 0
    laps: decide.State = decide.initial()


Item = Ground | Lap


class Corners:
    """Offer the pure fold of laps to the runtime."""

    name = "corners"
    version = 1
    reads_telemetry = True

    def __init__(self) -> None:
        """Begin with no track tried."""
        self._tried: dict[Owner, int] = {}

    async def items(self, connection: Any, owner: Owner) -> Sequence[Item]:
        """Return the track and then the driven laps, with revision 0."""
        rows = await connection.fetch(DRIVEN, *owner)
        laps = [replace(LAPS.event(row), revision=0) for row in rows]
        session = await connection.fetchrow(SESSION, *owner)
        track = None
        if session is not None:
            name = tracks.name_of(owner, session["track"])
            length_m = session["track_length_m"]
            track = await tracks.find(connection, name, length_m)
            if track is None:
                track = await self._learned(connection, owner, (name, length_m), laps)
        if track is not None:
            who = {"session": owner[0], "driver": owner[1], "at_ns": session["started_ns"]}
            track = replace(track, **who)
        return [Ground(track), *laps]

    async def material(self, connection: Any, owner: Owner, item: Item) -> Frames | None:
        """Return the frames of a lap."""
        if isinstance(item, Ground):
            return None
        assert item.started_ns is not None
        assert item.ended_ns is not None
        where = connection, owner, item.run, (item.started_ns, item.ended_ns)
        found = await telemetry.channels(*where, WANTED)
        chunks = await telemetry.ends(*where)
        return Frames(
            times_ns=found.times_ns,
            columns={
                NAMES[channel]: column.astype("f8")
                for channel, column in zip(found.channels, found.columns, strict=True)
            },
            chunks=chunks or (0, 0),
        )

    def initial(self) -> State:
        """Return the state before the track is known."""
        return State()

    def step(
        self, state: State, item: Item, material: Frames | None
    ) -> tuple[State, Iterable[Track | Passes]]:
        """Take the track, or a lap."""
        if isinstance(item, Ground):
            return State(item.track), [item.track] if item.track else []
        assert material is not None
        laps, passes = decide.step(state.laps, item, material, state.track)
        whole = state.whole + is_whole(item)
        if passes.judged == "no_track":
            passes = replace(passes, laps_needed=max(ENOUGH - whole, 0))
        return State(state.track, whole, laps), [passes]

    def snapshot(self, state: State) -> bytes:
        """Return a state as bytes."""
        return _encode(state)

    def restore(self, snapshot: bytes) -> State:
        """Return the state of a snapshot; raises ValueError."""
        return _decode(snapshot)

    def withdrawn(self, fact: Track | Passes) -> Passes | None:
        """Return a lap of which nothing is known any more."""
        if isinstance(fact, Track):
            return None
        return replace(
            fact,
            judged="not_whole",
            passes=(),
            usual=(),
            usual_of=(),
            losses=(),
            straights=(),
            incidents=(),
            carried_s=0.0,
            judged_until_m=None,
            lap_time_s=None,
        )

    async def _learned(
        self, connection: Any, owner: Owner, wanted: tuple[str, float | None], laps: Sequence[Lap]
    ) -> Track | None:
        """Learn the track from the newest whole laps, once for each of these."""
        whole = [lap for lap in laps if is_whole(lap)]
        if len(whole) < ENOUGH or self._tried.get(owner) == len(whole):
            return None
        if len(self._tried) >= MAX_TRIED:
            self._tried.clear()
        self._tried[owner] = len(whole)
        driven = []
        for lap in whole[-LEARNED_FROM:]:
            frames = await self.material(connection, owner, lap)
            if frames is not None:
                driven.append((lap, frames))
        return await tracks.add(connection, *wanted, driven)


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(State).decode


def service(settings: Settings) -> Service:
    """Return the corners service; raises TopologyError when streams.yaml lacks it."""
    return Refine(Corners(), facts.scan(tables), settings)
