"""The fold of timing alone, on one core: history in slices, and live chunks one by one.

Every row counts CPU time and includes the decoding of messages. A day's race before the measured
chunks has a frame each second; the fold keeps a lap as one piece whatever its frames.
"""

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from consumers.timing import tables
from consumers.timing.service import Timing
from pitbox.chunks.frames import pack, row_struct, sealed
from pitbox.postgres import facts
from pitbox.postgres.folds import Stored
from pitbox.service.derivation import with_crc
from pitbox.service.derive import TURN_S
from pitbox.service.deriving import SLICE_CHUNKS, Deriving
from schemas.channels import CHANNELS
from schemas.sim import LapReported, Observed, SessionOpened
from schemas.telemetry import CHUNK_VERSION, Chunk
from tests.bench import frames
from tests.bench.effort import Effort
from tests.bench.report import Result, result
from tests.bench.servers import Servers

ROUNDS: Final = 5
LAP_S: Final = 90
DAY_LAPS: Final = 960
SPARSE_S: Final = 30
LIVE_FRAMES: Final = 3
"""50 ms at 60 Hz."""

LIVE_CHUNKS: Final = 12_000
CARS: Final = 200
TICKS: Final = 60
PLACES: Final = {channel.name: place for place, channel in enumerate(CHANNELS[: frames.WIDTH])}

_decode: Final = msgspec.msgpack.Decoder(Chunk).decode
_encode: Final = msgspec.msgpack.Encoder().encode
_tables: Final = facts.scan(tables)


def measure(_: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the fold's figures."""
    rounds, count = effort.rounds(ROUNDS), effort.count(LIVE_CHUNKS)
    laps = effort.count(DAY_LAPS)
    messages = [_encode(chunk) for chunk in _chunks(laps, count)]
    fresh, after_a_day = _stored([]), _stored(list(_day(laps)))
    first_us = [_history_us(fresh, messages) for _ in range(rounds)]
    frames_per_s = [LIVE_FRAMES * 1e6 / us for us in first_us]
    yield result("timing_fold_frames_per_s", "frames/s", "higher", frames_per_s)
    yield result("timing_fold_us_per_chunk", "us", "lower", first_us)
    later_us = [_history_us(after_a_day, messages) for _ in range(rounds)]
    yield result("timing_fold_us_per_chunk_24h", "us", "lower", later_us)
    alone = [_alone_us(fresh, messages) for _ in range(rounds)]
    day = [_alone_us(after_a_day, messages) for _ in range(rounds)]
    yield result("timing_alone_us_per_chunk", "us", "lower", [mean for mean, _ in alone])
    yield result("timing_alone_us_per_chunk_24h", "us", "lower", [mean for mean, _ in day])
    yield result("timing_alone_worst_ms_24h", "ms", "lower", [most / 1e3 for _, most in day])
    commit_ms = [_commit_ms(after_a_day, messages) for _ in range(rounds)]
    yield result("timing_commit_ms_24h", "ms", "lower", commit_ms)
    cars, ticks = effort.count(CARS), messages[: effort.count(TICKS)]
    live_us = [_live_us(ticks, cars) for _ in range(rounds)]
    yield result("timing_live_us_per_chunk", "us", "lower", live_us)


def _history_us(stored: Stored, messages: Sequence[bytes]) -> float:
    """Return the time per chunk to fold slices as they are read from Postgres."""
    deriving = _deriving(stored)
    began = time.process_time()
    for first in range(0, len(messages), SLICE_CHUNKS):
        deriving.extend([_decode(one) for one in messages[first : first + SLICE_CHUNKS]])
    return (time.process_time() - began) * 1e6 / len(messages)


def _alone_us(stored: Stored, messages: Sequence[bytes]) -> tuple[float, float]:
    """Return the mean and the longest time of a live chunk, facts derived after each."""
    deriving = _deriving(stored)
    deriving.put(_decode(messages[0]))
    deriving.take(TURN_S)
    took_us = []
    for message in messages[1:]:
        began = time.thread_time_ns()
        deriving.put(_decode(message))
        deriving.take(0)
        took_us.append((time.thread_time_ns() - began) / 1e3)
    return statistics.fmean(took_us), max(took_us)


def _commit_ms(stored: Stored, messages: Sequence[bytes]) -> float:
    """Return the time to find the facts that a commit writes, and to make its snapshot."""
    fold, deriving = Timing(), _deriving(stored)
    for message in messages[:SLICE_CHUNKS]:
        deriving.put(_decode(message))
        deriving.take(0)
    deriving.hurry()
    candidate = deriving.candidate({1: ((0, sys.maxsize),)}, {}, 0)
    if candidate is None:
        raise RuntimeError("chunks were added, and nothing is to be committed")
    began = time.process_time()
    made = _tables.keyed(fold.facts(candidate[0]))
    changed = [place for place, fact in made.items() if stored.facts.get(place) != fact]
    with_crc(fold.snapshot(candidate[0]))
    took_s = time.process_time() - began
    if not changed:
        raise RuntimeError("a lap was driven on, and no fact differs")
    return took_s * 1e3


def _live_us(messages: Sequence[bytes], cars: int) -> float:
    """Return the time per chunk of many cars that send one in turn."""
    every = [_deriving(_stored([])) for _ in range(cars)]
    began = time.process_time()
    for message in messages:
        for deriving in every:
            deriving.put(_decode(message))
            deriving.take(TURN_S)
    return (time.process_time() - began) * 1e6 / (len(messages) * cars)


def _deriving(stored: Stored) -> Deriving:
    made = Deriving(Timing(), _tables, (frames.SESSION, "bench"))
    made.read(stored, Timing.version)
    return made


def _stored(chunks: Sequence[Chunk]) -> Stored:
    """Return what Postgres has after the fold of chunks."""
    fold = Timing()
    owner = frames.SESSION, "bench"
    state, _ = fold.settle(fold.extend(fold.restore(owner, None, ()), chunks))
    folded = fold.folded(state)
    return Stored(
        version=fold.version,
        generation=1,
        state=with_crc(fold.snapshot(state)),
        folded=folded,
        have=folded,
        facts=_tables.keyed(fold.facts(state)),
    )


def _day(laps: int) -> Iterator[Chunk]:
    """Yield a race, a chunk for each `SPARSE_S`."""
    for number in range(laps * LAP_S // SPARSE_S):
        yield _chunk(number, range(number * SPARSE_S, (number + 1) * SPARSE_S), rate_hz=1)


def _chunks(lap: int, count: int) -> Iterator[Chunk]:
    """Yield live chunks from the start of a lap on, numbered as those after so many laps."""
    first = lap * LAP_S * frames.RATE_HZ
    for number in range(count):
        at = first + number * LIVE_FRAMES
        made = _chunk(number, range(at, at + LIVE_FRAMES), rate_hz=frames.RATE_HZ)
        yield sealed(replace(made, chunk=lap * LAP_S // SPARSE_S + number))


def _chunk(number: int, which: range, rate_hz: int) -> Chunk:
    """Return a chunk of frames of a car that drives laps, with the events of their time."""
    times_ns = [frames.START_NS + frame * 1_000_000_000 // rate_hz for frame in which]
    rows = [_row(frame / rate_hz) for frame in which]
    made = Chunk(
        version=CHUNK_VERSION,
        driver="bench",
        session=frames.SESSION,
        run=1,
        chunk=number,
        send=number + 1,
        first_frame=which.start,
        frames=len(which),
        captured_ns=times_ns[0],
        channels=frames.BITMAP,
        crc=0,
        block=pack(times_ns, [row_struct(frames.WIDTH).pack(*row) for row in rows]),
    )
    events = list(_events(which, rate_hz, times_ns))
    return sealed(replace(made, observed=_encode(events) if events else b""))


def _row(at_s: float) -> list[float]:
    """Return the channels of an instant: those of every bench, with laps."""
    row = list(frames.rows()[round(at_s * frames.RATE_HZ) % frames.CYCLE])
    lap, lap_s = divmod(at_s, LAP_S)
    driven = {
        "session_time": at_s,
        "lap_number": lap + 1,
        "lap_distance": 50.0 * lap_s,
        "lap_fraction": lap_s / LAP_S,
        "last_lap_time": float(LAP_S) if lap else 0.0,
        "sector": lap_s * 3 // LAP_S,
        "lap_valid": 1.0,
        "speed": 50.0,
        "fuel_level": 100.0 - lap_s / LAP_S,
        "in_pit_lane": 0.0,
    }
    for name, value in driven.items():
        if name in PLACES:
            row[PLACES[name]] = value
    return row


def _events(which: range, rate_hz: int, times_ns: Sequence[int]) -> Iterator[Observed]:
    """Yield the session at its start, and the report of each lap."""
    for frame, at_ns in zip(which, times_ns, strict=True):
        lap, rest = divmod(frame, LAP_S * rate_hz)
        if frame == 0:
            yield SessionOpened(at_ns=at_ns, source="bench", track="Oval", car="7", sectors=3)
        elif rest == 0:
            yield LapReported(
                at_ns=at_ns, car="7", own=True, lap_number=lap, lap_time_s=float(LAP_S)
            )
