"""Fold a simulated stint as the services do: laps, corners, moments."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from consumers.coach import decide as coach
from consumers.corners import decide as corners
from consumers.corners import learning
from consumers.corners.frames import CHANNELS, Frames
from consumers.timing.replay import laps
from pitbox.chunks.columns import read
from producers.chunker import Chunker, chunks
from producers.sources.sim import Race, drive
from schemas.channels import ids
from schemas.coaching import Moment, Silence
from schemas.passes import Passes
from schemas.telemetry import Chunk
from schemas.timing import Lap
from schemas.track import Track

START_NS: Final = 1_700_000_000_000_000_000
CHUNK_MS: Final = 1000
WANTED: Final = ids(*CHANNELS)


class Recorded:
    """Hold the chunks of a drive, its own laps that have a time, and all frames."""

    def __init__(self, race: Race) -> None:
        driven = list(chunks(drive(race, START_NS), Chunker("truth", 1, chunk_ms=CHUNK_MS)))
        found = laps(driven)
        self.laps = [lap for lap in found if lap.own and lap.lap_time_s is not None]
        self._chunks: list[int] = []
        self._times, self._columns = self._read(driven)

    def _read(self, driven: Sequence[Chunk]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        times: list[int] = []
        values: list[list[float]] = [[] for _ in CHANNELS]
        for chunk in driven:
            times_ns, found = read(chunk, WANTED)
            times += times_ns
            self._chunks += [chunk.chunk] * len(times_ns)
            for column, some in zip(values, found, strict=True):
                column += some if some is not None else [np.nan] * len(times_ns)
        columns = {name: np.array(column) for name, column in zip(CHANNELS, values, strict=True)}
        return np.array(times, np.int64), columns

    def frames(self, lap: Lap) -> Frames:
        """Return the frames of a lap, and one more on either side."""
        assert lap.started_ns is not None and lap.ended_ns is not None
        first = max(int(np.searchsorted(self._times, lap.started_ns)) - 1, 0)
        last = int(np.searchsorted(self._times, lap.ended_ns, "right")) + 1
        chunks_of = self._chunks[first:last]
        return Frames(
            times_ns=self._times[first:last],
            columns={name: column[first:last] for name, column in self._columns.items()},
            chunks=(chunks_of[0], chunks_of[-1]),
        )


def learned(recorded: Recorded, name: str) -> Track:
    """Learn the track from the first laps; raises ValueError when they do not tell it."""
    driven = [(lap, recorded.frames(lap)) for lap in recorded.laps[: learning.LAPS]]
    found = learning.learn(name, driven)
    if found is None:
        raise ValueError(f"{name} is not learned from {len(driven)} laps")
    return found


def fold(recorded: Recorded, track: Track) -> Iterator[tuple[Passes, Moment | Silence]]:
    """Yield how each lap's corners were driven, and what is said about it."""
    state, said = corners.initial(), coach.initial()
    for lap in recorded.laps:
        state, passes = corners.step(state, lap, recorded.frames(lap), track)
        said, fact = coach.step(said, passes)
        yield passes, fact
