"""The sim's events: those of the session, and the reported laps of each car."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pitbox.chunks.events import known_events
from schemas.sim import Finished, LapReported, LeftOut, Rewound, SessionOpened

MAX_CARS: Final = 256
MAX_LAPS: Final = 20_000
MAX_VERSIONS: Final = 16
"""The most reports of one lap; each correction and each restart of the session adds one."""

MAX_LEFT_OUT: Final = 64
"""The most reasons and names of a run for which a sum is kept."""

Car = tuple[bool, str]
Reports = dict[int, tuple[LapReported, ...]]
"""The reports of one car's laps, by lap number, oldest first."""

OWN: Final[Car] = (True, "")
"""The driver's own car; others are `(False, car)`."""

Fresh = Mapping[Car, frozenset[int]]
"""Numbers of reported laps, by car."""

LeftOuts = dict[tuple[str, str], LeftOut]
"""What a run left out so far, by reason and name; the sums only grow."""

Only = Iterable[int] | None
"""Lap numbers to consider; None for all."""


class _Cars(Struct, frozen=True, tag="sim.cars"):
    """Skip the cars of the race, which come five times a second: laps do not need them."""


class _Race(Struct, frozen=True, tag="sim.race"):
    """Skip the description of the race."""


Event = SessionOpened | LapReported | Rewound | Finished | LeftOut
"""The events that laps rest on."""

_events = msgspec.msgpack.Decoder(tuple[Event | _Cars | _Race, ...])
_event = msgspec.msgpack.Decoder(Event)


def observed(packed: bytes) -> tuple[Event, ...]:
    """Decode the events of a chunk that laps rest on, without kinds of a newer version.

    Raises CorruptChunkError when the bytes are no list of events.
    """
    if not packed:
        return ()
    try:
        events = _events.decode(packed)
    except msgspec.DecodeError:
        return tuple(known_events(packed, _event))
    return tuple(event for event in events if not isinstance(event, _Cars | _Race))


def opened_by(events: Iterable[Event]) -> SessionOpened | None:
    """Merge the session's descriptions in events; None without any."""
    merged: SessionOpened | None = None
    for event in events:
        if isinstance(event, SessionOpened):
            merged = merge_opened(merged, event)
    return merged


def reports_by(events: Iterable[Event]) -> dict[Car, Reports]:
    """Collect the reports of laps by car; one without a time counts only if it is invalid."""
    reports: dict[Car, Reports] = {}
    for event in events:
        if isinstance(event, LapReported) and (event.lap_time_s > 0 or event.valid is False):
            laps = reports.setdefault(OWN if event.own else (False, event.car), {})
            laps[event.lap_number] = append_versions(laps.get(event.lap_number, ()), (event,))
    return reports


def left_out_by(events: Iterable[Event]) -> LeftOuts:
    """Collect what was left out, by reason and name."""
    merged: LeftOuts = {}
    for event in events:
        if isinstance(event, LeftOut):
            merged = merge_left_out(merged, {(event.reason, event.about): event})
    return merged


def merge_left_out(left: LeftOuts, right: LeftOuts) -> LeftOuts:
    """Merge what two parts of a run left out; the greater sum is the later one."""
    if not left or not right:
        return left or right
    merged = dict(left)
    for kind, event in right.items():
        known = merged.get(kind)
        if known.count < event.count if known else len(merged) < MAX_LEFT_OUT:
            merged[kind] = event
    return merged


def merge_opened(left: SessionOpened | None, right: SessionOpened | None) -> SessionOpened | None:
    """Merge two descriptions of the session; known fields of the later one win."""
    if left is None or right is None:
        return left or right
    known = {
        name: value
        for name in SessionOpened.__struct_fields__
        if (value := getattr(right, name)) not in ("", 0, None, "unknown")
    }
    return replace(left, **known)


def merge_reports(left: dict[Car, Reports], right: dict[Car, Reports]) -> dict[Car, Reports]:
    """Merge reports; the last `MAX_VERSIONS` of each lap are kept."""
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

    Repetitions are kept: a report before a flashback does not count, its repetition after it does.
    """
    return (older + newer)[-MAX_VERSIONS:]


def gather_reports(
    by_segment: Iterable[dict[Car, Reports]], only: Mapping[Car, Only]
) -> dict[Car, Reports]:
    """Merge the reports of the cars in `only` over several segments, in the order of time.

    Its values are the lap numbers to consider.
    """
    merged: dict[Car, dict[int, list[LapReported]]] = {car: {} for car in only}
    for reports in by_segment:
        for car in reports.keys() & only.keys():
            laps, some, known = reports[car], only[car], merged[car]
            for number in laps if some is None else laps.keys() & some:
                known.setdefault(number, []).extend(laps[number])
    return {
        car: {number: tuple(sorted(laps[number], key=_reported_ns)) for number in laps}
        for car, laps in merged.items()
    }


def fresh_since(by_segment: Iterable[dict[Car, Reports]], since_ns: int, fresh: Fresh) -> Fresh:
    """Return the laps in `fresh`, and those with a report since an instant."""
    found = {car: set(numbers) for car, numbers in fresh.items()}
    for reports in by_segment:
        for car, laps in reports.items():
            found.setdefault(car, set()).update(
                number
                for number, versions in laps.items()
                if versions[-1].at_ns >= since_ns or _is_since(versions, since_ns)
            )
    return {car: frozenset(numbers) for car, numbers in found.items() if numbers}


def _is_since(versions: tuple[LapReported, ...], since_ns: int) -> bool:
    return len(versions) > 1 and any(report.at_ns >= since_ns for report in versions)


def _reported_ns(report: LapReported) -> int:
    return report.at_ns
