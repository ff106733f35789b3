"""Read iRacing telemetry files (.ibt), in the layout of iRacing's SDK (irsdk_defines.h).

A file has a header of 112 bytes, a sub-header of 32, one description of 144 bytes for each
variable, session info as YAML, then rows. Every offset is checked against the file's size before
use.
"""

import hashlib
import math
import mmap
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from producers.left_out import Tally
from producers.source import Observation, SourceError
from producers.sources.channel_order import ABSENT
from producers.sources.iracing import session
from producers.sources.iracing.ticks import REQUIRED, Ticks

HEADER: Final = struct.Struct("<10i")
BUFFER: Final = struct.Struct("<2i")
DISK: Final = struct.Struct("<qddii")
VARIABLE: Final = struct.Struct("<iii4x32s64s32s")
BUFFER_AT: Final = 48
DISK_AT: Final = 112
HEADERS_END: Final = 144
TYPES: Final = ("s", "B", "i", "I", "f", "d")
MAX_VARIABLES: Final = 4096
MAX_ROW_BYTES: Final = 1_000_000
YEAR_2000_S: Final = 946_684_800
YEAR_2100_S: Final = 4_102_444_800
LONGEST_SESSION_S: Final = 1e8


class Variable(Struct, frozen=True):
    """Describe one variable of a row: struct code, offset of its last sample, unit."""

    name: str
    code: str
    offset: int
    unit: str


class Header(Struct, frozen=True):
    """Hold the checked header of a file; `torn_rows` is 1 where a crash cut the last row."""

    name: str
    variables: tuple[Variable, ...]
    info: bytes
    rows_at: int
    rows: int
    torn_rows: int
    row_bytes: int
    started_s: int | None
    started_session_s: float
    digest: str


def observations(path: Path) -> Iterator[Observation]:
    """Yield the observations of a telemetry file; raises SourceError when it is not whole."""
    with path.open("rb") as file:
        if path.stat().st_size < HEADERS_END:
            raise SourceError(f"{path.name} is too short to be an iRacing telemetry file")
        with closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as content:
            header = read_header(content, path.name)
            written_s = int(path.stat().st_mtime)
            yield from _rows(content, header, Clock(header.started_s or written_s, header))


def read_header(content: mmap.mmap | bytes, name: str) -> Header:
    """Read and check the header; raises SourceError naming the fault."""
    version, _, rate, _, info_bytes, info_at, count, variables_at, buffers, row_bytes = (
        HEADER.unpack_from(content)
    )
    if not (1 <= version <= 9 and 1 <= rate <= 1000 and 1 <= buffers <= 4):
        raise SourceError(f"{name} is not an iRacing telemetry file: its header makes no sense")
    if 0 < info_at < HEADERS_END or buffers > 1:
        raise SourceError(
            f"{name} is a dump of iRacing's live memory, not a telemetry file: its header declares "
            f"{buffers} buffers of one row and no recording"
        )
    if not 1 <= count <= MAX_VARIABLES:
        raise SourceError(f"{name} declares {count} variables, not 1 to {MAX_VARIABLES}")
    if not 1 <= row_bytes <= MAX_ROW_BYTES:
        raise SourceError(f"{name} declares rows of {row_bytes} bytes, not 1 to {MAX_ROW_BYTES}")
    _, rows_at = BUFFER.unpack_from(content, BUFFER_AT)
    _bounded(content, name, "variables", variables_at, count * VARIABLE.size)
    if info_at and info_bytes:
        _bounded(content, name, "session info", info_at, info_bytes)
    _bounded(content, name, "rows", rows_at, row_bytes)
    started_s, started_session_s, *_ = DISK.unpack_from(content, DISK_AT)
    return Header(
        name=name,
        variables=tuple(_variables(content, name, variables_at, count, row_bytes)),
        info=_info(content, info_at, info_bytes),
        rows_at=rows_at,
        rows=_row_count(content, name, rows_at, row_bytes),
        torn_rows=int((len(content) - rows_at) % row_bytes > 0 and not _declared(content)),
        row_bytes=row_bytes,
        started_s=started_s if YEAR_2000_S < started_s < YEAR_2100_S else None,
        started_session_s=started_session_s,
        digest=hashlib.sha256(content[:HEADERS_END]).hexdigest()[:12],
    )


def _info(content: mmap.mmap | bytes, start: int, size: int) -> bytes:
    """Return session info; nothing where the header has no place for it, as after a crash."""
    return bytes(content[start : start + min(size, session.MAX_INFO_BYTES)]) if start else b""


def _bounded(content: mmap.mmap | bytes, name: str, what: str, start: int, size: int) -> None:
    if start < HEADERS_END or size < 0 or start + size > len(content):
        raise SourceError(
            f"{name} declares its {what} at bytes {start} to {start + size}, "
            f"but the file has {len(content)}"
        )


def _declared(content: mmap.mmap | bytes) -> int:
    return int(DISK.unpack_from(content, DISK_AT)[4])


def _row_count(content: mmap.mmap | bytes, name: str, rows_at: int, row_bytes: int) -> int:
    """Return the number of rows; a sim that crashed leaves the declared one at 0."""
    declared = _declared(content)
    held = (len(content) - rows_at) // row_bytes
    if declared > held:
        raise SourceError(
            f"{name} is cut short: its header declares {declared} rows, the file has {held}"
        )
    return declared if declared > 0 else held


def _variables(
    content: mmap.mmap | bytes, name: str, start: int, count: int, row_bytes: int
) -> Iterator[Variable]:
    names: set[str] = set()
    for index in range(count):
        kind, offset, samples, raw, _, unit = VARIABLE.unpack_from(
            content, start + index * VARIABLE.size
        )
        title = _text(raw)
        if not 0 <= kind < len(TYPES) or not 1 <= samples <= row_bytes:
            raise SourceError(f"{name}: variable {title or index} is of no known type")
        size = struct.calcsize(f"<{TYPES[kind]}")
        if offset < 0 or offset + samples * size > row_bytes:
            raise SourceError(f"{name}: variable {title or index} lies outside of its row")
        if TYPES[kind] != "s":
            names.add(title)
            yield Variable(title, TYPES[kind], offset + (samples - 1) * size, _text(unit))
    missing = [variable for variable in REQUIRED if variable not in names]
    if missing:
        raise SourceError(f"{name} lacks the variable {missing[0]}, which is required")


def _rows(content: mmap.mmap, header: Header, clock: "Clock") -> Iterator[Observation]:
    facts = session.read(header.info)
    weekend = str(facts.sub_session) if facts.sub_session > 0 else header.digest
    units = {variable.name: variable.unit for variable in header.variables}
    ticks = Ticks(units, facts, lambda number: f"iracing-{weekend}-{number}")
    row, names = _row_layout(header, ticks.variables)
    left_out = Tally()
    left_out.add("header", count=int(not header.info))
    left_out.add("row", count=header.torn_rows)
    for index in range(header.rows):
        start = header.rows_at + index * header.row_bytes
        numbers = row.unpack_from(content, start)
        if not math.isfinite(sum(numbers)):
            numbers = tuple(number if math.isfinite(number) else ABSENT for number in numbers)
        values = dict(zip(names, numbers, strict=True))
        captured_ns = clock.captured_ns(values["SessionTime"])
        if captured_ns is None:
            left_out.add("row")
        else:
            yield from ticks.tick(captured_ns, values)
    yield from ticks.close()
    yield from left_out.take(clock.last_ns)


class Clock:
    """Turn session time into ns since 1970, never backwards."""

    def __init__(self, started_s: int, header: Header) -> None:
        self._origin_ns = started_s * 1_000_000_000
        session_s = header.started_session_s
        self._origin_session_s = session_s if 0 <= session_s < LONGEST_SESSION_S else 0.0
        self.last_ns = 0

    def captured_ns(self, session_s: float) -> int | None:
        """Return the time of a row; None when its session time is out of range."""
        if not 0 <= session_s < LONGEST_SESSION_S:
            return None
        captured_ns = self._origin_ns + round((session_s - self._origin_session_s) * 1e9)
        if captured_ns < self.last_ns:
            # The weekend's next session counts from zero again.
            self._origin_ns += self.last_ns - captured_ns
            captured_ns = self.last_ns
        self.last_ns = captured_ns
        return captured_ns


def _row_layout(header: Header, wanted: tuple[str, ...]) -> tuple[struct.Struct, tuple[str, ...]]:
    """Return one struct for the wanted variables of a row, and their names in its order.

    Raises SourceError when two of them overlap.
    """
    found = {item.name: item for item in header.variables if item.name in set(wanted)}
    chosen = sorted(found.values(), key=lambda item: item.offset)
    layout, position = "<", 0
    for item in chosen:
        if item.offset < position:
            raise SourceError(f"{header.name}: variable {item.name} overlaps another one")
        layout += f"{item.offset - position}x{item.code}"
        position = item.offset + struct.calcsize(f"<{item.code}")
    return struct.Struct(layout), tuple(item.name for item in chosen)


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("cp1252", errors="replace").strip()
