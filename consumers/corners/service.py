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
COLUMNS: Final = tuple(name for name in LAPS.names if name != "revision")
DRIVEN: Final = f"""
select {", ".join(COLUMNS)} from lap
where session = $1 and driver = $2 and own and ended_ns > started_ns
order by started_ns, lap_number
"""

WANTED: Final = tuple(CHANNEL_BY_NAME[name].id for name in CHANNELS)
NAMES: Final = {channel.id: channel.name for channel in ALL}


class Ground(Struct, frozen=True):
    """Name what is before all laps: a version of the track, None while it is not known."""

    track: str = ""
    version: int | None = None
    started_ns: int = 0


class Driven(Struct, frozen=True):
    """Hold a driven lap as the values of `COLUMNS`: most laps are only compared."""

    values: tuple[Any, ...]

    @property
    def lap(self) -> Lap:
        """Return the lap, with revision 0."""
        return LAPS.event({**dict(zip(COLUMNS, self.values, strict=True)), "revision": 0})


class State(Struct, frozen=True):
    """Hold the track, how many whole laps were driven on it, and what is kept of them."""

    track: Track | None = None
    whole: int = 0
    laps: decide.State = decide.initial()


Item = Ground | Driven


class Corners:
    """Offer the pure fold of laps to the runtime."""

    name = "corners"
    version = 1
    reads_telemetry = True

    def __init__(self) -> None:
        """Begin with no track tried."""
        self._tried: dict[Owner, int] = {}

    async def items(self, connection: Any, owner: Owner) -> Sequence[Item]:
        """Return the track and then the driven laps."""
        laps = [Driven(tuple(row)) for row in await connection.fetch(DRIVEN, *owner)]
        session = await connection.fetchrow(SESSION, *owner)
        if session is None:
            return [Ground(), *laps]
        wanted = tracks.name_of(owner, session["track"]), session["track_length_m"]
        version = await tracks.find(connection, *wanted)
        if version is None:
            version = await self._learned(connection, owner, wanted, laps)
        return [Ground(wanted[0], version, session["started_ns"]), *laps]

    async def material(self, connection: Any, owner: Owner, item: Item) -> Track | Frames | None:
        """Return the track, or the frames of a lap."""
        if isinstance(item, Driven):
            return await _frames(connection, owner, item.lap)
        if item.version is None:
            return None
        return await tracks.load(connection, item.track, item.version, owner, item.started_ns)

    def initial(self) -> State:
        """Return the state before the track is known."""
        return State()

    def step(
        self, state: State, item: Item, material: Track | Frames | None
    ) -> tuple[State, Iterable[Track | Passes]]:
        """Take the track, or a lap."""
        if isinstance(material, Frames) and isinstance(item, Driven):
            return _driven(state, item.lap, material)
        if isinstance(material, Track):
            return State(material), [material]
        return State(), []

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
        self,
        connection: Any,
        owner: Owner,
        wanted: tuple[str, float | None],
        driven: Sequence[Driven],
    ) -> int | None:
        """Learn the track from the newest whole laps, once for each of these."""
        whole = [lap for lap in (one.lap for one in driven) if is_whole(lap)]
        if len(whole) < ENOUGH or self._tried.get(owner) == len(whole):
            return None
        if len(self._tried) >= MAX_TRIED:
            self._tried.clear()
        self._tried[owner] = len(whole)
        newest = whole[-LEARNED_FROM:]
        laps = [(lap, await _frames(connection, owner, lap)) for lap in newest]
        return await tracks.add(connection, *wanted, laps)


async def _frames(connection: Any, owner: Owner, lap: Lap) -> Frames:
    """Return the frames of a lap, and the one before and after it."""
    where = connection, owner, lap.run, (lap.started_ns or 0, lap.ended_ns or 0)
    found = await telemetry.channels(*where, WANTED)
    columns = {
        NAMES[channel]: column.astype("f8")
        for channel, column in zip(found.channels, found.columns, strict=True)
    }
    return Frames(found.times_ns, columns, await telemetry.ends(*where) or (0, 0))


def _driven(state: State, lap: Lap, frames: Frames) -> tuple[State, Iterable[Passes]]:
    laps, passes = decide.step(state.laps, lap, frames, state.track)
    whole = state.whole + is_whole(lap)
    if passes.judged == "no_track":
        passes = replace(passes, laps_needed=max(ENOUGH - whole, 0))
    return State(state.track, whole, laps), [passes]


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(State).decode


def service(settings: Settings) -> Service:
    """Return the corners service; raises TopologyError when streams.yaml lacks it."""
    return Refine(Corners(), facts.scan(tables), settings)
