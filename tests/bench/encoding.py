"""Bytes and time to encode a frame, and bytes per frame of real recordings."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from pitbox.chunks.frames import pack, row_struct, sealed
from schemas.telemetry import CHUNK_VERSION, Chunk
from tests.bench import frames
from tests.bench.effort import Effort
from tests.bench.report import Result, result

FRAMES: Final = 3
"""50 ms at 60 Hz."""

ROUNDS: Final = 7
BATCHES: Final = 600
RECORDINGS: Final = {
    "iracing": "iracing/langley_sk-modified_laps-15.187-15.099.ibt",
    "f1": "f1/f1-25_format2025_time-trial_catalunya.pcap.gz",
    "gt7": "gt7/gt7_packet-c_lap-1m55.244.pcap.gz",
    "assetto": "assetto/assetto-corsa_udp_monza_r8-lms.pcap.gz",
}

Batch = tuple[list[int], list[frames.Row]]
encode: Final = msgspec.msgpack.Encoder().encode


def measure(recordings: Path | None, effort: Effort) -> Iterator[Result]:
    """Yield the encoding's figures."""
    batches = list(_batches(effort.count(BATCHES)))
    sizes, costs = {}, {name: list[float]() for name in CONTESTANTS}
    for _ in range(effort.rounds(ROUNDS)):
        for name, contestant in CONTESTANTS.items():
            sizes[name], cost = _run(contestant, batches)
            costs[name].append(cost)
    ours, *peers = CONTESTANTS
    yield result(
        "wire_bytes_per_frame",
        "B",
        "lower",
        [sizes[ours]],
        peers={peer: [sizes[peer]] for peer in peers},
        limit=[4.0 * frames.WIDTH],
    )
    yield result(
        "encode_ns_per_frame",
        "ns",
        "lower",
        costs[ours],
        peers={peer: costs[peer] for peer in peers},
    )
    for game, file in RECORDINGS.items() if recordings else ():
        path = recordings / file if recordings else Path()
        if path.is_file():
            size = recorded_bytes_per_frame(path)
            yield result(f"wire_bytes_per_frame_{game}", "B", "lower", [size])


def recorded_bytes_per_frame(path: Path) -> float:
    """Return the encoded bytes per frame of a recording, in live chunks of 50 ms."""
    from producers.chunker import Chunker
    from producers.importers.recording import open_recording

    chunker = Chunker("bench", 1, chunk_ms=50)
    made = [chunk for seen in open_recording(path) for chunk in chunker.feed(seen)]
    return sum(len(encode(chunk)) for chunk in made) / sum(chunk.frames for chunk in made)


def _batches(count: int) -> Iterator[Batch]:
    made = frames.rows()
    for number in range(count):
        first = number * FRAMES
        yield frames.times_ns(first, FRAMES), list(made[first : first + FRAMES])


def _run(contestant: Callable[[int, Batch], bytes], batches: list[Batch]) -> tuple[float, float]:
    started = time.perf_counter_ns()
    encoded = [contestant(number, batch) for number, batch in enumerate(batches)]
    spent = time.perf_counter_ns() - started
    count = len(batches) * FRAMES
    return sum(map(len, encoded)) / count, spent / count


def _pitbox(number: int, batch: Batch) -> bytes:
    times, rows = batch
    pack_row = row_struct(frames.WIDTH).pack
    block = pack(times, [pack_row(*row) for row in rows])
    chunk = Chunk(
        CHUNK_VERSION,
        *("bench", "bench", 1, number, number, number * FRAMES, FRAMES, times[0]),
        *(frames.BITMAP, 0, block),
    )
    return encode(sealed(chunk))


def _msgpack_rows(number: int, batch: Batch) -> bytes:
    return encode((number, *batch))


def _json_objects(number: int, batch: Batch) -> bytes:
    times, rows = batch
    objects: list[dict[str, Any]] = [
        {"n": number, "at_ns": at_ns, **dict(zip(frames.NAMES, row, strict=True))}
        for at_ns, row in zip(times, rows, strict=True)
    ]
    return msgspec.json.encode(objects)


CONTESTANTS: Final = {
    "PitBox": _pitbox,
    "msgpack rows": _msgpack_rows,
    "JSON objects": _json_objects,
}
