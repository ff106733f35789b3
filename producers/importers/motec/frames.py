"""Turn a log into observations."""

import math
import mmap
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from producers.importers.mapping import Mapping
from producers.importers.motec import ldx
from producers.importers.motec.channels import Chosen, choose, mapping_of, turned
from producers.importers.motec.laps import LapCounter, longest_m, measures_distance, starts_s
from producers.importers.motec.ld import Log, read_log
from producers.importers.motec.resampling import frame_rate_hz, resampled
from producers.left_out import Tally
from producers.source import Began, Frame, Observation, SourceError
from producers.sources.channel_order import ABSENT, Layout
from schemas.sim import SessionOpened

BLOCK_FRAMES: Final = 512
COUNTED: Final = ("lap_number", "lap_time", "lap_distance")
ABOVE_ZERO: Final = ("last_lap_time", "best_lap_time")
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
    layout = Layout(["session_time", *chosen, *(COUNTED if checked.starts_s else ())])
    opened = SessionOpened(
        at_ns=began_ns,
        source="motec",
        track=log.venue[:MAX_LABEL],
        car_model=log.vehicle[:MAX_LABEL],
    )
    yield Began("", layout.channels, opened)
    counter = _counter(checked, content)
    for first in range(0, frames, BLOCK_FRAMES):
        block = range(first, min(first + BLOCK_FRAMES, frames))
        columns = {name: resampled(one, content, block, rate_hz) for name, one in chosen.items()}
        for place, frame in enumerate(block):
            values = {name: column[place] for name, column in columns.items()}
            time_s = frame / rate_hz
            values["session_time"] = time_s
            if counter is not None:
                _count(values, counter, time_s, measured=measures_distance(chosen))
            for name in ABOVE_ZERO:
                if name in values and not values[name] > 0:
                    values[name] = ABSENT
            yield Frame(began_ns + frame * 1_000_000_000 // rate_hz, layout.row(values))
    left_out = Tally()
    checked.mapping.leave_out(left_out)
    yield from left_out.take(began_ns + frames * 1_000_000_000 // rate_hz)


def _counter(checked: Content, content: mmap.mmap) -> LapCounter | None:
    """Return a counter of the laps whose starts are known; it goes on from the log's own number."""
    if not checked.starts_s:
        return None
    number = checked.chosen.get("lap_number")
    first = number.read(content, 0, 1)[0] if number else 0.0
    return LapCounter(
        checked.starts_s,
        int(first) if 0 <= first < MAX_FIRST_LAP else 0,
        longest_m(checked.chosen, content, checked.starts_s),
    )


def _count(values: dict[str, float], counter: LapCounter, time_s: float, *, measured: bool) -> None:
    """Put the counted lap in place of what was logged about it, but for a measured distance."""
    number, lap_time_s, distance_m = counter.at(time_s, values.get("speed", ABSENT))
    values["lap_number"], values["lap_time"] = number, lap_time_s
    if not measured:
        values["lap_distance"] = distance_m
