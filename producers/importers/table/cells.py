"""Parse the cells of a table: numbers, states, durations and instants."""

import math
import re
from datetime import UTC, datetime
from typing import Final

WORDS: Final = {
    "": math.nan,
    "-": math.nan,
    "nan": math.nan,
    "null": math.nan,
    "none": math.nan,
    "n/a": math.nan,
    "true": 1.0,
    "false": 0.0,
    "yes": 1.0,
    "no": 0.0,
    "on": 1.0,
    "off": 0.0,
    "n": 0.0,
    "r": -1.0,
}
"""States and gears in words; the values of an absent one are NaN."""

LATEST_NS: Final = 1 << 62
"""In the year 2116."""

DURATION: Final = re.compile(
    r"(-?)(?:(\d{1,3})\.)?(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)"
)
"""Days, hours, minutes and seconds, as `1.02:03:04.5`, `02:03:04.5` or `3:04.5`."""


def number(text: str, *, decimal_comma: bool = False) -> float:
    """Return the number of a cell, NaN for an empty one; raises ValueError for other text."""
    try:
        return float(text)
    except ValueError:
        pass
    stripped = text.strip()
    word = WORDS.get(stripped.casefold())
    if word is not None:
        return word
    if (duration := DURATION.fullmatch(stripped)) is not None:
        return _seconds(duration)
    if decimal_comma and stripped.count(",") == 1:
        return float(stripped.replace(",", "."))
    raise ValueError(text)


def instant_ns(text: str) -> int:
    """Return the instant of a date with a time, ns since 1970; raises ValueError for other text.

    One without a zone is in UTC.
    """
    at = datetime.fromisoformat(text.strip())
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    at_ns = round(at.timestamp() * 1e6) * 1000
    if not 0 <= at_ns < LATEST_NS:
        raise ValueError(text)
    return at_ns


def _seconds(duration: re.Match[str]) -> float:
    sign, days, hours, minutes, seconds = duration.groups()
    whole = (int(days or 0) * 24 + int(hours or 0)) * 3600 + int(minutes) * 60 + float(seconds)
    return -whole if sign else whole
