"""Read iRacing's session info: almost YAML, in cp1252, with tabs and unquoted names."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

import yaml
from msgspec import Struct

from schemas.sim import SessionKind

MAX_INFO_BYTES: Final = 4_000_000
SECTIONS: Final = ("WeekendInfo", "SessionInfo", "DriverInfo", "SplitTimeInfo")
# Free text of drivers: it breaks YAML and names persons, and no channel needs it.
PRIVATE: Final = re.compile(
    r"^([ -]*(?:UserName|AbbrevName|Initials|TeamName|DriverSetupName|ClubName|\w*DesignStr)):.*$",
    re.MULTILINE,
)
MARKS: Final = re.compile(r"^(\.\.\.|---)\s*$", re.MULTILINE)
KINDS: Final[dict[str, SessionKind]] = {
    "test": "test",
    "practice": "practice",
    "warmup": "practice",
    "qualify": "qualifying",
    "race": "race",
    "time trial": "time_trial",
}

Loader: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


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
    fuel_kg_per_l: float | None = None
    kinds: tuple[SessionKind, ...] = ()
    sector_starts: tuple[float, ...] = ()
    sub_session: int = 0
    build: str = ""


def read(info: bytes) -> Facts:
    """Parse session info; unreadable sections are left out."""
    return facts(dict(_sections(info)))


def facts(sections: Mapping[str, dict[str, Any]]) -> Facts:
    """Pick the facts from the parsed sections of session info."""
    weekend = sections.get("WeekendInfo", {})
    drivers = sections.get("DriverInfo", {})
    own = _own(drivers)
    place = (_text(weekend, "TrackDisplayName"), _text(weekend, "TrackConfigName"))
    latitude, longitude = _number(weekend, "TrackLatitude"), _number(weekend, "TrackLongitude")
    kilometres = _number(weekend, "TrackLength")
    return Facts(
        track=" ".join(filter(None, place))[:128],
        track_length_m=kilometres * 1000 if kilometres else None,
        origin=None if latitude is None or longitude is None else (latitude, longitude),
        north_offset=_number(weekend, "TrackNorthOffset"),
        car=_text(own, "CarNumber").strip('"')[:128],
        car_model=_text(own, "CarScreenName")[:128],
        redline_rpm=_number(drivers, "DriverCarRedLine"),
        fuel_kg_per_l=_number(drivers, "DriverCarFuelKgPerLtr") or None,
        kinds=_kinds(sections.get("SessionInfo", {})),
        sector_starts=_starts(sections.get("SplitTimeInfo", {})),
        sub_session=int(_number(weekend, "SubSessionID") or 0),
        build=_text(weekend, "BuildVersion")[:128],
    )


def _sections(info: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sections that parse; each is parsed alone, so a broken one spoils no other."""
    raw = info[:MAX_INFO_BYTES].split(b"\0", 1)[0]
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    text = PRIVATE.sub(r"\1:", text.replace("\t", " ").replace("\r", ""))
    for part in re.split(r"^(?=\w+:\s*$)", text, flags=re.MULTILINE):
        name = part.split(":", 1)[0]
        if name not in SECTIONS:
            continue
        try:
            content = yaml.load(MARKS.sub("", part), Loader)
        except (yaml.YAMLError, RecursionError):
            continue
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            yield name, content[name]


def _own(drivers: dict[str, Any]) -> dict[str, Any]:
    index = _text(drivers, "DriverCarIdx")
    for driver in _list(drivers, "Drivers"):
        if _text(driver, "CarIdx") == index:
            return driver
    return {}


def _kinds(sessions: dict[str, Any]) -> tuple[SessionKind, ...]:
    return tuple(_kind(_text(item, "SessionType")) for item in _list(sessions, "Sessions"))


def _kind(name: str) -> SessionKind:
    for word, kind in KINDS.items():
        if word in name.lower():
            return kind
    return "unknown"


def _starts(split: dict[str, Any]) -> tuple[float, ...]:
    """Return the sectors' starts as fractions of the lap; empty unless they ascend from 0."""
    numbers = [_number(item, "SectorStartPct") for item in _list(split, "Sectors")]
    starts = tuple(number for number in numbers if number is not None)
    ascending = all(a < b for a, b in pairwise(starts))
    valid = len(starts) == len(numbers) and starts[:1] == (0.0,) and starts[-1] < 1
    return starts if valid and ascending else ()


def _list(section: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = section.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(section: dict[str, Any], key: str) -> str:
    value = section.get(key)
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _number(section: dict[str, Any], key: str) -> float | None:
    """Return the number at the start of a value, without its unit; None for none."""
    match = re.match(r"-?\d{1,12}(?:\.\d{1,12})?", _text(section, key))
    return float(match[0]) if match else None
