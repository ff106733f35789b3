"""Turn a log into observations."""

import math
import mmap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from producers.importers.limits import Limits
from producers.importers.mapping import Mapping
from producers.importers.motec import ldx
from producers.importers.motec.channels import Chosen, choose, mapping_of, turned
from producers.importers.motec.laps import LapCounter, longest_m, measures_distance, starts_s
from producers.importers.motec.ld import Log, read_log
from producers.importers.motec.resampling import frame_rate_hz, resampled
from producers.importers.names import mapped_places
from producers.left_out import Tally
from producers.source import Began, Frame, Observation, SourceError
from producers.sources.channel_order import ABSENT, Layout
from producers.sources.projection import Projection
from schemas.sim import SessionOpened

BLOCK_FRAMES: Final = 512
COUNTED: Final = ("lap_number", "lap_time", "lap_distance")
MAX_LABEL: Final = 128
MAX_FIRST_LAP: Final = 10_000


class Content(Struct, frozen=True):
    """Hold a log that was checked, the channels that are used, and the starts of its laps."""

    log: Log
    chosen: dict[str, Chosen]
    mapping: Mapping
    starts_s: tuple[float, ...]


def mapping(path: Path) -> Mapping:
    """Return what is stated about the channels of a log; raises SourceError as `observations`."""
    with _opened(path) as content:
        return _checked(path, content).mapping


def observations(path: Path) -> Iterator[Observation]:
    """Yield the observations of a log; raises SourceError before the first when it is damaged."""
    with _opened(path) as content:
        yield from _replay(_checked(path, content), content, path.stat().st_mtime_ns)


@contextmanager
def _opened(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise SourceError(f"{path.name} is empty")
        with closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as content:
            yield content


def _checked(path: Path, content: mmap.mmap) -> Content:
    log = read_log(content, path.name)
    chosen, unused = choose(log)
    if not chosen:
        raise SourceError(f"{path.name} has no channel that PitBox knows: {', '.join(unused)}")
    chosen = turned(chosen, content)
    by_channel = {one.channel: one for one in chosen}
    beside = ldx.beside(path)
    beacons_s = ldx.beacons(beside, log.lasts_s) if beside else ()
    if beacons_s and (told := by_channel.pop("last_lap_time", None)) is not None:
        # The logger's lap times are those of its own beacons, which the file may have corrected.
        unused = (told.logged.name, *unused)
    starts = tuple(starts_s(by_channel, content, beacons_s))
    return Content(log, by_channel, mapping_of(tuple(by_channel.values()), unused), starts)


def _replay(checked: Content, content: mmap.mmap, written_ns: int) -> Iterator[Observation]:
    log, chosen = checked.log, checked.chosen
    rate_hz = frame_rate_hz(tuple(chosen.values()))
    frames = math.ceil(log.lasts_s * rate_hz)
    began_ns = log.started_ns
    if began_ns is None:
        began_ns = written_ns - round(log.lasts_s * 1e9)
    names = {"session_time", *chosen, *(COUNTED if checked.starts_s else ())}
    layout = Layout(mapped_places(names))
    yield Began("", layout.channels, _described(log, began_ns))
    derived = Derived(checked, content)
    for first in range(0, frames, BLOCK_FRAMES):
        block = range(first, min(first + BLOCK_FRAMES, frames))
        columns = {name: resampled(one, content, block, rate_hz) for name, one in chosen.items()}
        for index, frame in enumerate(block):
            values = {name: column[index] for name, column in columns.items()}
            values["session_time"] = frame / rate_hz
            derived.complete(values)
            yield Frame(began_ns + frame * 1_000_000_000 // rate_hz, layout.row(values))
    left_out = Tally()
    checked.mapping.leave_out(left_out)
    yield from left_out.take(began_ns + frames * 1_000_000_000 // rate_hz)


def _described(log: Log, began_ns: int) -> SessionOpened:
    return SessionOpened(
        at_ns=began_ns,
        source="motec",
        track=log.venue[:MAX_LABEL],
        car_model=log.vehicle[:MAX_LABEL],
    )


class Derived:
    """Derive what a log holds in another form: the lap, and the place on the map."""

    def __init__(self, checked: Content, content: mmap.mmap) -> None:
        """Prepare for the first frame of a log."""
        chosen = checked.chosen
        self._measured = measures_distance(chosen)
        self._limits = Limits(chosen)
        self._projection = Projection() if "latitude" in chosen else None
        self._counter: LapCounter | None = None
        if checked.starts_s:
            number = chosen.get("lap_number")
            first = number.read(content, 0, 1)[0] if number else 0.0
            self._counter = LapCounter(
                checked.starts_s,
                int(first) if 0 <= first < MAX_FIRST_LAP else 0,
                longest_m(chosen, content, checked.starts_s),
            )

    def complete(self, values: dict[str, float]) -> None:
        """Put derived values into those of the next frame.

        A counted lap replaces the logged one, but for a distance that was measured.
        """
        if self._counter is not None:
            speed = values.get("speed", ABSENT)
            number, lap_time_s, distance_m = self._counter.at(values["session_time"], speed)
            values["lap_number"], values["lap_time"] = number, lap_time_s
            if not self._measured:
                values["lap_distance"] = distance_m
        self._limits.apply(values)
        if self._projection is not None:
            place = self._projection.place(values["latitude"], values["longitude"])
            values["world_x"], values["world_y"] = place
