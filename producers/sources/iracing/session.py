"""Read iRacing's session info: almost YAML, in cp1252, with tabs and unquoted names.

The lines are read one by one, instead of by a YAML parser: a setup's name with a line break, or any
other stray line, is left out and costs no other line.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct

from schemas.sim import SessionKind

MAX_INFO_BYTES: Final = 4_000_000
LISTS: Final = {"Sessions": "SessionNum", "Drivers": "CarIdx", "Sectors": "SectorNum"}
"""The lists that are used, with the first key of each of their items."""

SECTIONS: Final = ("WeekendInfo", "SessionInfo", "DriverInfo", "SplitTimeInfo")
OTHERS: Final = ("QualifyResultsInfo", "CameraInfo", "RadioInfo", "CarSetup")
"""Sections without a fact that is used; any other line without indentation is a stray one."""

LINE: Final = re.compile(r"( *)(- +)?(\w+): *(.*)")
"""Indentation, mark of a list's next item, key and value; the value of a section or list is ""."""

DEEPEST: Final = 1000

KINDS: Final[dict[str, SessionKind]] = {
    "test": "test",
    "practice": "practice",
    "warmup": "practice",
    "qualify": "qualifying",
    "race": "race",
    "time trial": "time_trial",
}


class Facts(Struct, frozen=True):
    """Hold the facts of track, car and sessions; None or empty where session info lacks them.

    `kinds` are by session number, `sector_starts` fractions of the lap that begin with 0.
    `north_offset` is the yaw of north in rad, `origin` the latitude and longitude of the track in
    degrees.
    """

    track: str = ""
    track_length_m: float | None = None
    origin: tuple[float, float] | None = None
    north_offset: float | None = None
    car: str = ""
    car_model: str = ""
    redline_rpm: float | None = None
    fuel_capacity_l: float | None = None
    fuel_kg_per_l: float | None = None
    kinds: tuple[SessionKind, ...] = ()
    sector_starts: tuple[float, ...] = ()
    sub_session: int = 0
    build: str = ""


def read(info: bytes) -> Facts:
    """Parse session info; unreadable lines are left out."""
    return facts(sections(info))


def facts(parsed: Mapping[str, dict[str, Any]]) -> Facts:
    """Pick the facts from the parsed sections of session info."""
    weekend = parsed.get("WeekendInfo", {})
    drivers = parsed.get("DriverInfo", {})
    own = _own(drivers)
    place = (text(weekend, "TrackDisplayName"), text(weekend, "TrackConfigName"))
    latitude, longitude = number(weekend, "TrackLatitude"), number(weekend, "TrackLongitude")
    kilometres = number(weekend, "TrackLength")
    return Facts(
        track=" ".join(filter(None, place))[:128],
        track_length_m=kilometres * 1000 if kilometres else None,
        origin=None if latitude is None or longitude is None else (latitude, longitude),
        north_offset=number(weekend, "TrackNorthOffset"),
        car=text(own, "CarNumber").strip('"')[:128],
        car_model=text(own, "CarScreenName")[:128],
        redline_rpm=number(drivers, "DriverCarRedLine"),
        fuel_capacity_l=capacity_l(drivers),
        fuel_kg_per_l=number(drivers, "DriverCarFuelKgPerLtr") or None,
        kinds=_kinds(parsed.get("SessionInfo", {})),
        sector_starts=_starts(parsed.get("SplitTimeInfo", {})),
        sub_session=int(number(weekend, "SubSessionID") or 0),
        build=text(weekend, "BuildVersion")[:128],
    )


def sections(info: bytes) -> dict[str, dict[str, Any]]:
    """Parse the sections that have facts: their values, and their lists of items with values.

    Lists within items are left out.
    """
    raw = info[:MAX_INFO_BYTES].split(b"\0", 1)[0]
    try:
        lines = raw.decode()
    except UnicodeDecodeError:
        lines = raw.decode("cp1252", errors="replace")
    parsed: dict[str, dict[str, Any]] = {}
    section = Section()
    for line in lines.replace("\t", " ").replace("\r", "\n").split("\n"):
        match = LINE.fullmatch(line.rstrip())
        if match is None:
            continue
        indent, dash, key, value = match.groups()
        if not indent and key in (*SECTIONS, *OTHERS):
            section = Section()
            parsed.setdefault(key, section.values)
        elif indent:
            section.add(len(indent), len(dash or ""), key, _unquoted(value))
    return parsed


class Section:
    """Collect the values of a section, and the items of its lists, line by line."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._item: dict[str, str] = {}
        self._items: list[dict[str, str]] = []
        self._first_key = ""
        self._item_indent = DEEPEST

    def add(self, indent: int, dash: int, key: str, value: str) -> None:
        """Add a line; lines of lists within items are left out."""
        if dash and key == self._first_key:
            self._item, self._item_indent = {key: value}, indent + dash
            self._items.append(self._item)
        elif dash or indent > self._item_indent:
            return
        elif indent == self._item_indent:
            self._item.setdefault(key, value)
        elif key in LISTS and not value:
            self._first_key, self._item_indent = LISTS[key], DEEPEST
            self._items = self.values.setdefault(key, [])
        else:
            self.values.setdefault(key, value)


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def capacity_l(drivers: dict[str, Any]) -> float | None:
    """Return what the tank may hold in this session; None where session info lacks it."""
    whole_l, share = (number(drivers, f"DriverCar{of}") for of in ("FuelMaxLtr", "MaxFuelPct"))
    return round(whole_l * (share or 1.0), 3) if whole_l else None


def _own(drivers: dict[str, Any]) -> dict[str, Any]:
    index = text(drivers, "DriverCarIdx")
    for driver in records(drivers, "Drivers"):
        if text(driver, "CarIdx") == index:
            return driver
    return {}


def _kinds(sessions: dict[str, Any]) -> tuple[SessionKind, ...]:
    return tuple(_kind(text(item, "SessionType")) for item in records(sessions, "Sessions"))


def _kind(name: str) -> SessionKind:
    for word, kind in KINDS.items():
        if word in name.lower():
            return kind
    return "unknown"


def _starts(split: dict[str, Any]) -> tuple[float, ...]:
    """Return the sectors' starts as fractions of the lap; empty unless they ascend from 0."""
    numbers = [number(item, "SectorStartPct") for item in records(split, "Sectors")]
    starts = tuple(start for start in numbers if start is not None)
    ascending = all(a < b for a, b in pairwise(starts))
    valid = len(starts) == len(numbers) and starts[:1] == (0.0,) and starts[-1] < 1
    return starts if valid and ascending else ()


def records(section: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the items of a list; empty where a section lacks it."""
    items = section.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def text(section: dict[str, Any], key: str) -> str:
    """Return a value as text; "" for none."""
    value = section.get(key)
    return str(value).strip() if isinstance(value, str | int | float) else ""


def number(section: dict[str, Any], key: str) -> float | None:
    """Return the number at the start of a value, without its unit; None for none."""
    match = re.match(r"-?\d{1,12}(?:\.\d{1,12})?", text(section, key))
    return float(match[0]) if match else None
