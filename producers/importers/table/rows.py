"""Bring the rows of a table into the order of time, as numbers, in bounded memory."""

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from producers.importers.table.cells import instant_ns, number
from producers.importers.table.plan import Plan
from producers.importers.table.sorting import Sorted
from producers.importers.table.text import Header, read_rows
from producers.left_out import Tally
from producers.source import SourceError
from producers.sources.channel_order import ABSENT

ROWS_PER_S: Final = 60
"""Of a layout without a time: Garage 61 exports iRacing's ticks."""

YEAR_2000_S: Final = 946_684_800
YEAR_2100_S: Final = 4_102_444_800
LONGEST_S: Final = 1e8
BACK_S: Final = 1.0
"""A larger step back of a time that counts from zero is a new start of its clock."""

MOST_RESTARTS: Final = 0.02
"""The largest share of rows at which the clock starts again."""

MAX_DESCRIPTIONS: Final = 1000
HEAD: Final = struct.Struct(">QII")
EPOCH: Final = 1 << 62
"""Added to times, which may be negative, so that the bytes of records are in their order."""

Description = tuple[str, str, str]
"""Track, car and kind of the session."""


class Row(Struct, frozen=True, gc=False):
    """Hold the numbers of a row, in the order of the plan's columns, and what describes it."""

    at_ns: int
    description: Description
    values: tuple[float, ...]


class Rows:
    """Hold the rows of a table; iterating yields them in the order of time.

    `is_dated` is False for times that count from zero.
    """

    def __init__(self, plan: Plan, records: Sorted, *, decimal_comma: bool) -> None:
        """Prepare to collect rows in `records`."""
        self.left_out = Tally()
        self._decimal_comma = decimal_comma
        self._plan = plan
        self._records = records
        self._body = struct.Struct(f">{len(plan.columns)}d")
        self._descriptions: dict[Description, int] = {}
        self._clock = Clock(plan, decimal_comma=decimal_comma)
        self._bad: Counter[str] = Counter()

    @property
    def is_dated(self) -> bool:
        """Return whether the times are dates."""
        return self._clock.is_dated

    @property
    def count(self) -> int:
        """Return the number of rows."""
        return self._records.count

    def read(self, path: Path, header: Header) -> None:
        """Read all rows of a file; raises SourceError when it is damaged or has no rows."""
        damaged, records, pack = 0, self._records, self._body.pack
        width = len(header.columns)
        for row in read_rows(path, header):
            whole = len(row) == width or (len(row) > width and not any(row[width:]))
            at_ns = self._clock.at_ns(row) if whole else None
            if at_ns is None:
                damaged += 1
                continue
            head = HEAD.pack(at_ns + EPOCH, records.count, self._described(row, path.name))
            values = [
                self._number(row[column.place], column.name) * column.scale.factor
                + column.scale.offset
                for column in self._plan.columns
            ]
            records.add(head + pack(*values))
        self._clock.check(path.name, records.count)
        if not records.count:
            raise SourceError(f"{path.name} has no whole row below its header")
        self.left_out.add("row", count=damaged)
        for name, count in self._bad.items():
            self.left_out.add("value", name[:128], count)

    def __iter__(self) -> Iterator[Row]:
        descriptions = list(self._descriptions)
        for record in self._records:
            at_ns, _, description = HEAD.unpack_from(record)
            values = self._body.unpack_from(record, HEAD.size)
            yield Row(at_ns - EPOCH, descriptions[description], values)

    def _number(self, text: str, name: str) -> float:
        try:
            return number(text, decimal_comma=self._decimal_comma)
        except ValueError:
            self._bad[name] += 1
            return ABSENT

    def _described(self, row: list[str], file: str) -> int:
        track, car_model, kind = (
            row[place].strip()[:128] if place >= 0 else "" for place in self._plan.describing
        )
        known = self._descriptions.setdefault((track, car_model, kind), len(self._descriptions))
        if known >= MAX_DESCRIPTIONS:
            raise SourceError(
                f"{file} names more than {MAX_DESCRIPTIONS} tracks, cars and sessions"
            )
        return known


class Clock:
    """Turn the times of rows, in the order of the file, into ns."""

    def __init__(self, plan: Plan, *, decimal_comma: bool) -> None:
        """Prepare for the plan's column of time."""
        self._decimal_comma = decimal_comma
        self.is_dated = False
        self._time = plan.time
        self._is_known = self._is_text = False
        self._invalid = ""
        self._rows = self._restarts = 0
        self._offset_s = self._last_s = self._step_s = 0.0

    def at_ns(self, row: list[str]) -> int | None:
        """Return the time of a row; None for one without a valid time."""
        self._rows += 1
        if self._time is None:
            return self._rows * 1_000_000_000 // ROWS_PER_S
        text = row[self._time.place]
        try:
            if not self._is_known:
                self._recognise(text)
            return instant_ns(text) if self._is_text else self._seconds_ns(text)
        except (ValueError, OverflowError):
            self._invalid = self._invalid or text
            return None

    def check(self, file: str, rows: int) -> None:
        """Raise SourceError when no time was valid, or the clock restarts too often to be one."""
        name = self._time.name if self._time else ""
        if not rows and self._invalid:
            raise SourceError(
                f'{file}: "{self._invalid}" in the column {name} is neither a number of seconds '
                "nor a date with a time, as 2026-11-29 14:03:22.5. Where it counts ms: "
                f'--map time:ms="{name}"'
            )
        if self._restarts > max(rows * MOST_RESTARTS, 1):
            raise SourceError(
                f"{file}: the times in the column {name} go back in {self._restarts} of {rows} "
                "rows: name another column, --map time=COLUMN, or sort the rows"
            )

    def _recognise(self, text: str) -> None:
        """Decide whether times are dates or numbers; raises ValueError when this one is neither."""
        try:
            seconds = self._seconds(text)
        except ValueError:
            instant_ns(text)
            self._is_text = self.is_dated = True
        else:
            self.is_dated = _is_dated(seconds)
            if not (self.is_dated or abs(seconds) < LONGEST_S):
                raise ValueError(text)
            self._last_s = seconds
        self._is_known = True

    def _seconds(self, text: str) -> float:
        scale = self._time.scale if self._time else None
        seconds = number(text, decimal_comma=self._decimal_comma)
        return seconds * scale.factor if scale else seconds

    def _seconds_ns(self, text: str) -> int | None:
        seconds = self._seconds(text)
        if not (_is_dated(seconds) if self.is_dated else abs(seconds) < LONGEST_S):
            raise ValueError(text)
        if self.is_dated:
            return round(seconds * 1e6) * 1000
        step_s = seconds - self._last_s
        if step_s < -BACK_S:
            self._restarts += 1
            self._offset_s += self._step_s - step_s
        elif step_s > 0:
            self._step_s = step_s
        self._last_s = seconds
        since_s = seconds + self._offset_s
        if not abs(since_s) < LONGEST_S:
            raise ValueError(since_s)
        return round(since_s * 1e9)


def _is_dated(seconds: float) -> bool:
    """Return whether seconds count from 1970."""
    return YEAR_2000_S < seconds < YEAR_2100_S


@contextmanager
def read(path: Path, header: Header, plan: Plan) -> Iterator[Rows]:
    """Read the rows of a table; raises SourceError when it is damaged."""
    with Sorted(HEAD.size + 8 * len(plan.columns)) as records:
        rows = Rows(plan, records, decimal_comma=header.decimal_comma)
        rows.read(path, header)
        yield rows
