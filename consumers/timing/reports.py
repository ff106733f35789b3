"""What the sim said besides its frames: of the session, and of the laps of each car."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from pitbox.chunks.frames import CorruptChunkError
from schemas.sim import LapReported, Observed, SessionOpened

MAX_CARS: Final = 256
MAX_LAPS: Final = 20_000
MAX_VERSIONS: Final = 16
"""Of one lap; every correction and every restart of the session makes another."""

Car = tuple[bool, str]
Reports = dict[int, tuple[LapReported, ...]]
"""What the sim said of the laps of one car, by lap number, oldest first."""

OWN: Final[Car] = (True, "")
"""The driver's own car; others are `(False, car)`."""

Only = Iterable[int] | None
"""Lap numbers to look at; None for all."""

_events = msgspec.msgpack.Decoder(tuple[Observed, ...])
_raw_events = msgspec.msgpack.Decoder(tuple[msgspec.Raw, ...])
_event = msgspec.msgpack.Decoder(Observed)


def observed(packed: bytes) -> tuple[Observed, ...]:
    """Decode what the sim said within a chunk, leaving out kinds of a newer version.

    Raises CorruptChunkError when it is not a list of events.
    """
    if not packed:
        return ()
    try:
        return _events.decode(packed)
    except msgspec.DecodeError:
        return _known_events(packed)


def _known_events(packed: bytes) -> tuple[Observed, ...]:
    known: list[Observed] = []
    try:
        raws = _raw_events.decode(packed)
    except msgspec.DecodeError as error:
        raise CorruptChunkError(f"what the sim said is not a list of events: {error}") from error
    for raw in raws:
        try:
            known.append(_event.decode(raw))
        except msgspec.ValidationError:
            continue
    return tuple(known)


def opened_by(events: Iterable[Observed]) -> SessionOpened | None:
    """Merge what events say of the session; None when they say nothing of it."""
    merged: SessionOpened | None = None
    for event in events:
        if isinstance(event, SessionOpened):
            merged = merge_opened(merged, event)
    return merged


def reports_by(events: Iterable[Observed]) -> dict[Car, Reports]:
    """Collect what events say of laps; a time of zero is none, and says nothing but invalid."""
    reports: dict[Car, Reports] = {}
    for event in events:
        if isinstance(event, LapReported) and (event.lap_time_s > 0 or event.valid is False):
            laps = reports.setdefault(OWN if event.own else (False, event.car), {})
            laps[event.lap_number] = append_versions(laps.get(event.lap_number, ()), (event,))
    return reports


def merge_opened(left: SessionOpened | None, right: SessionOpened | None) -> SessionOpened | None:
    """Merge what is known of the session; what the later one knows wins."""
    if left is None or right is None:
        return left or right
    known = {
        name: value
        for name in SessionOpened.__struct_fields__
        if (value := getattr(right, name)) not in ("", 0, None, "unknown")
    }
    return replace(left, **known)


def merge_reports(left: dict[Car, Reports], right: dict[Car, Reports]) -> dict[Car, Reports]:
    """Merge what the sim said; of each lap the last few versions are kept."""
    if not left or not right:
        return left or right
    merged = dict(left)
    for car, laps in right.items():
        if car not in merged and len(merged) >= MAX_CARS:
            continue
        known = dict(merged.get(car, {}))
        for number, versions in laps.items():
            if number in known or len(known) < MAX_LAPS:
                known[number] = append_versions(known.get(number, ()), versions)
        merged[car] = known
    return merged


def append_versions(
    older: tuple[LapReported, ...], newer: tuple[LapReported, ...]
) -> tuple[LapReported, ...]:
    """Append reports of a lap to earlier ones.

    Repetitions are kept: what was said before a flashback does not count, said again it does.
    """
    return (older + newer)[-MAX_VERSIONS:]


def reports_of(car: Car, said: Iterable[dict[Car, Reports]], only: Only = None) -> Reports:
    """Merge what was said of the laps of one car on several stretches, in the order of time."""
    merged: dict[int, tuple[LapReported, ...]] = {}
    for reports in said:
        laps = reports.get(car, {})
        for number in laps if only is None else laps.keys() & only:
            merged[number] = (*merged.get(number, ()), *laps[number])
    return {number: _in_order(versions) for number, versions in merged.items()}


def _in_order(versions: tuple[LapReported, ...]) -> tuple[LapReported, ...]:
    return versions if len(versions) == 1 else tuple(sorted(versions, key=_said_ns))


def _said_ns(report: LapReported) -> int:
    return report.at_ns
