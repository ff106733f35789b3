"""Read the header and the rows of a .csv file, in bounded memory."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from msgspec import Struct

from producers.source import SourceError

GZIP: Final = b"\x1f\x8b"
SUFFIXES: Final = (".csv", ".csv.gz")
DELIMITERS: Final = (",", ";", "\t")
MAX_LINE_BYTES: Final = 65_536
MAX_COLUMNS: Final = 2048
MAX_ROWS: Final = 360 * 3600 * 48
"""Two days at iRacing's highest rate."""


class Header(Struct, frozen=True):
    """Hold the names of the columns, and how their cells are written."""

    columns: tuple[str, ...]
    delimiter: str
    decimal_comma: bool


def is_table(path: Path) -> bool:
    """Return whether a file is one of rows and columns, by its name."""
    return path.name.casefold().endswith(SUFFIXES)


def read_header(path: Path) -> Header:
    """Read the first line; raises SourceError when it names no columns."""
    with _lines(path) as lines:
        first = next(filter(_is_row, lines), "")
    delimiter = max(DELIMITERS, key=first.count)
    try:
        cells = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error as error:
        raise SourceError(f"{path.name} is damaged in its first line: {error}") from None
    columns = tuple(cell.strip() for cell in cells)
    if not 2 <= len(columns) <= MAX_COLUMNS:
        raise SourceError(
            f"{path.name}: its first line names {len(columns)} columns, not 2 to {MAX_COLUMNS}"
        )
    doubled = sorted({name for name in columns if columns.count(name) > 1 and name})
    if doubled:
        raise SourceError(f"{path.name} has several columns of one name: {', '.join(doubled)}")
    return Header(columns, delimiter, delimiter == ";")


def read_rows(path: Path, header: Header) -> Iterator[list[str]]:
    """Yield the rows below the header; raises SourceError when the file is damaged."""
    with _lines(path) as lines:
        below = filter(_is_row, lines)
        next(below, "")
        rows = csv.reader(below, delimiter=header.delimiter)
        try:
            for number, row in enumerate(rows):
                if number >= MAX_ROWS:
                    raise SourceError(f"{path.name} has more than {MAX_ROWS} rows")
                yield row
        except csv.Error as error:
            raise SourceError(f"{path.name} is damaged in row {rows.line_num}: {error}") from None


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """Open a file as lines of bounded length; raises SourceError when it is damaged."""
    try:
        with _unpacked(path) as file:
            yield _bounded(file, path.name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path.name} is damaged, or cut short: {error}") from None


def _is_row(line: str) -> bool:
    """Return whether a line is neither empty nor a comment."""
    return bool(line.strip()) and not line.startswith("#")


def _bounded(file: BinaryIO, name: str) -> Iterator[str]:
    encoding = "utf-8-sig"
    while line := file.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            raise SourceError(f"{name} is no table: a line is longer than {MAX_LINE_BYTES} bytes")
        try:
            yield line.decode(encoding)
        except UnicodeDecodeError:
            yield line.decode("cp1252", errors="replace")
        encoding = "utf-8"


def _unpacked(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")
