"""Cut observations of a source into chunks: the unit that is spooled, sent, stored and receipted.

Pure. A session is named by the setting, else by the sim's own id, else by source and time. Every
session that begins is a run of its own, numbered upwards from the app's first run: a session that
is resumed later must not continue the numbers of a closed run.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from pitbox.chunks.frames import pack, row_struct, sealed
from pitbox.chunks.plausible import MAX_EVENTS, MAX_FRAMES
from producers.left_out import Sums
from producers.room import Room
from producers.source import Began, Frame, Observation
from producers.spool.ledger import RunKey
from schemas.channels import bitmap
from schemas.sim import LapReported, LeftOut, Observed, RaceDescribed, SessionOpened
from schemas.telemetry import CHUNK_VERSION, Chunk

MAX_ROWS_BYTES: Final = 180_000
MAX_OBSERVED_BYTES: Final = 30_000
"""With `MAX_ROWS_BYTES` below the stream's largest message, however badly it compresses."""

FALLBACK_GAP_NS: Final = 16_666_667
REOPEN_NS: Final = 30_000_000_000
"""Interval of repeating SessionOpened and RaceDescribed, for readers of a stream that lost its
beginning."""

_encode: Final = msgspec.msgpack.Encoder().encode


class Chunker:
    """Collect frames and events until a chunk is full; one chunk holds one session's channels."""

    def __init__(
        self,
        driver: str,
        run: int,
        *,
        chunk_ms: int,
        session: str = "",
        car: str = "",
        fingerprint: str = "",
    ) -> None:
        """Set the names; `session` and `car`, where given, overrule those of the sim.

        A session without a name is named by `fingerprint`, where given, instead of by time.
        """
        self.key: RunKey | None = None
        self._driver = driver
        self._run = run
        self._chunk_ns = chunk_ms * 1_000_000
        self._session = session
        self._car = car
        self._fingerprint = fingerprint
        self._named = ""
        self._unnamed = 0
        self._channels = b""
        self._pack = row_struct(0).pack
        self._max_frames = MAX_FRAMES
        self._room = Room()
        self._chunk = 0
        self._frame = 0
        self._times: list[int] = []
        self._rows: list[bytes] = []
        self._events: list[msgspec.Raw] = []
        self._first_event_ns = 0
        self._events_bytes = 0
        self._opened: SessionOpened | None = None
        self._race: RaceDescribed | None = None
        self._left_out = Sums()
        self._unstated: dict[tuple[str, str], LeftOut] = {}
        self._reopens_ns = 0
        self._gap_ns = FALLBACK_GAP_NS
        self._last_ns = 0

    @property
    def collected(self) -> tuple[int, int]:
        """Return the number of the unfinished chunk, and its count of frames and events."""
        return self._chunk, len(self._times) + len(self._events)

    def feed(self, observation: Observation) -> list[Chunk]:
        """Add an observation; return the chunks that it completes.

        Frames and events before the first session are dropped.
        """
        if isinstance(observation, Frame):
            return self._add_frame(observation)
        if isinstance(observation, Began):
            return self._begin(observation)
        if isinstance(observation, LeftOut):
            return self._leave_out(observation)
        return self._add_event(observation)

    def flush(self) -> list[Chunk]:
        """Return the unfinished chunk in a list, which is empty when nothing was collected."""
        if self.key is None or not (self._times or self._events):
            return []
        block = pack(self._times, self._rows)
        observed = _encode(self._events) if self._events else b""
        chunk = Chunk(
            version=CHUNK_VERSION,
            driver=self._driver,
            session=self.key.session,
            run=self.key.run,
            chunk=self._chunk,
            send=0,
            first_frame=self._frame,
            frames=len(self._times),
            captured_ns=self._times[0] if self._times else self._first_event_ns,
            channels=self._channels,
            crc=0,
            block=block,
            observed=observed,
        )
        self._chunk += 1
        self._frame += len(self._times)
        self._times, self._rows = [], []
        self._room.begin()
        self._events, self._events_bytes = [], 0
        return [sealed(chunk)]

    def begin_run(self, run: int) -> None:
        """Continue the session in a new run."""
        if self.key is not None:
            self.key = replace(self.key, run=run)
            self._chunk = self._frame = self._reopens_ns = 0

    def close(self) -> list[Chunk]:
        """Return the last chunks of a run, with the final counts of what was left out."""
        at_ns = max((left_out.at_ns for left_out in self._unstated.values()), default=0)
        return self._state_left_out(at_ns) + self.flush()

    def _begin(self, began: Began) -> list[Chunk]:
        before = self.close()
        session = self._session or _token(began.session) or self._name(began.opened)
        if self.key is None or self.key.session != session:
            run = self._run if self.key is None else self.key.run + 1
            if self.key is not None:
                self._left_out = Sums()
            self.key = RunKey(session, self._driver, run)
            self._chunk = self._frame = 0
        width = len(began.channels)
        self._channels = bitmap(began.channels)
        self._pack = row_struct(width).pack
        self._max_frames = min(MAX_FRAMES, MAX_ROWS_BYTES // (4 * (1 + width)))
        self._room = Room(began.channels)
        self._last_ns = 0
        self._race = None
        self._reopens_ns = began.opened.at_ns + REOPEN_NS
        before += self._add_event(began.opened)
        return before + self._state_left_out(began.opened.at_ns)

    def _leave_out(self, left_out: LeftOut) -> list[Chunk]:
        """Add up what was left out of a run; what came before the first one is of that run.

        A new kind is stated at once, others when the session is described again.
        """
        known = len(self._left_out.sums)
        kind = left_out.reason, left_out.about
        self._unstated[kind] = self._left_out.add(left_out)
        return self._state_left_out(left_out.at_ns) if len(self._left_out.sums) > known else []

    def _state_left_out(self, at_ns: int) -> list[Chunk]:
        done: list[Chunk] = []
        if self.key is not None:
            for left_out in self._unstated.values():
                done += self._add_event(replace(left_out, at_ns=at_ns))
            self._unstated.clear()
        return done

    def _add_frame(self, frame: Frame) -> list[Chunk]:
        """Add a frame; end the chunk behind it when the next frame is expected too late for it."""
        if self.key is None:
            return []
        at_ns = frame.captured_ns
        done = self._reopen(at_ns) if at_ns >= self._reopens_ns else []
        times = self._times
        admitted = self._room.admits(times, frame)
        if times and not (admitted and self._last_ns <= at_ns < times[0] + self._chunk_ns):
            done += self.flush()
            times = self._times
        gap_ns = at_ns - self._last_ns
        if 0 < gap_ns < self._chunk_ns:
            self._gap_ns += (gap_ns - self._gap_ns) // 8
        self._last_ns = at_ns
        times.append(at_ns)
        self._rows.append(self._pack(*frame.values))
        late = at_ns - times[0] + 3 * self._gap_ns // 2 > self._chunk_ns
        return done + self.flush() if late or len(times) >= self._max_frames else done

    def _reopen(self, at_ns: int) -> list[Chunk]:
        self._reopens_ns = at_ns + REOPEN_NS
        done = self._add_event(self._opened) if self._opened else []
        if self._race:
            done += self._add_event(replace(self._race, at_ns=at_ns))
        return done + self._state_left_out(at_ns)

    def _add_event(self, event: Observed) -> list[Chunk]:
        if self.key is None:
            return []
        match event:
            case SessionOpened() | LapReported(own=True) if self._car:
                event = replace(event, car=self._car)
        if isinstance(event, SessionOpened):
            self._opened = event
        elif isinstance(event, RaceDescribed):
            self._race = event
        encoded = msgspec.Raw(_encode(event))
        crowded = self._events_bytes + len(encoded) > MAX_OBSERVED_BYTES
        crowded = crowded or len(self._events) >= MAX_EVENTS
        done = self.flush() if crowded else []
        if not self._events:
            self._first_event_ns = event.at_ns
        self._events.append(encoded)
        self._events_bytes += len(encoded)
        return done

    def _name(self, opened: SessionOpened) -> str:
        source = _token(opened.source) or "sim"
        if self._fingerprint:
            self._unnamed += 1
            return f"{source}-{self._fingerprint}" + f"-{self._unnamed}" * (self._unnamed > 1)
        name = f"{source}-{datetime.fromtimestamp(opened.at_ns / 1e9, UTC):%Y%m%d-%H%M%S}"
        self._unnamed = self._unnamed + 1 if name == self._named else 1
        self._named = name
        return name + f"-{self._unnamed}" * (self._unnamed > 1)


def chunks(observations: Iterable[Observation], chunker: Chunker) -> Iterator[Chunk]:
    """Yield all chunks of finite observations."""
    for observation in observations:
        yield from chunker.feed(observation)
    yield from chunker.close()


def _token(name: str) -> str:
    """Return a sim's name as a `Token`, "" when no character of it is allowed."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:64]
