"""The own laps of a recording with their frames, as the service of corners reads them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from consumers.corners.frames import CHANNELS, Frames
from consumers.timing.replay import laps
from pitbox.chunks.columns import read
from producers.chunker import Chunker, chunks
from producers.importers.recording import open_recording
from schemas.channels import ids
from schemas.telemetry import Chunk
from schemas.timing import Lap

CHUNK_MS = 500


def recorded(path: Path) -> list[tuple[Lap, Frames]]:
    """Return the laps of a file that have a beginning and an end."""
    return of_chunks(list(chunks(open_recording(path), Chunker("test", 1, chunk_ms=CHUNK_MS))))


def of_chunks(made: Iterable[Chunk]) -> list[tuple[Lap, Frames]]:
    """Return the own laps of chunks that have a beginning and an end."""
    known = list(made)
    times: list[int] = []
    numbers: list[int] = []
    values: list[list[float]] = [[] for _ in CHANNELS]
    for chunk in known:
        times_ns, found = read(chunk, ids(*CHANNELS))
        times += times_ns
        numbers += [chunk.chunk] * len(times_ns)
        for column, some in zip(values, found, strict=True):
            column += some if some is not None else [np.nan] * len(times_ns)
    frames = Frames(
        times_ns=np.array(times, np.int64),
        columns={name: np.array(v) for name, v in zip(CHANNELS, values, strict=True)},
        chunks=(0, 0),
    )
    return [
        (lap, _within(frames, numbers, lap.started_ns, lap.ended_ns))
        for lap in laps(known)
        if lap.own and lap.started_ns is not None and lap.ended_ns is not None
    ]


def _within(frames: Frames, numbers: list[int], from_ns: int, to_ns: int) -> Frames:
    """Return the frames between two instants, and one more on either side."""
    first = max(int(np.searchsorted(frames.times_ns, from_ns)) - 1, 0)
    last = int(np.searchsorted(frames.times_ns, to_ns, "right")) + 1
    return Frames(
        times_ns=frames.times_ns[first:last],
        columns={name: column[first:last] for name, column in frames.columns.items()},
        chunks=(numbers[first], numbers[min(last, len(numbers)) - 1]),
    )
