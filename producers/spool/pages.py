"""Read rows out of the pages of an SQLite file that SQLite itself refuses.

Format: sqlite.org/fileformat2.html, "B-tree Pages", "Record Format", "The Write-Ahead Log". Nothing
here trusts a page: a cell that makes no sense is skipped. The rows found may be repeated, deleted
or outdated.
"""

from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Final

from msgspec import Struct

FILE_HEADER_BYTES: Final = 100
PAGE_SIZE_AT: Final = 16
PAGE_BYTES: Final = 4096
"""The size of a page unless the file's header states another valid one."""

LEAF: Final = 13
LEAF_HEADER_BYTES: Final = 8
WAL_HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24
MAX_ROW_BYTES: Final = 600_000
INTEGER_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
"""Size of an integer by its serial type."""

MIN_BLOB: Final = 12

PageOf = Callable[[int], bytes]


class Row(Struct, frozen=True, gc=False):
    """Hold a row of three columns: integer key, integer, blob."""

    key: int
    number: int
    blob: bytes


def wal_of(file: Path) -> Path:
    """Return the path of an SQLite file's write-ahead log."""
    return file.with_name(file.name + "-wal")


def rows(file: Path) -> Iterator[Row]:
    """Yield every row that a page of the file or its log holds; raises OSError."""
    yield from wal_rows(file)
    with file.open("rb") as content:
        size = _page_bytes(content)

        def page_of(number: int) -> bytes:
            if number < 1:
                raise ValueError("pages count from 1")
            content.seek((number - 1) * size)
            return content.read(size)

        number = 1
        while page := page_of(number):
            yield from _leaf_rows(page, FILE_HEADER_BYTES if number == 1 else 0, page_of)
            number += 1


def wal_rows(file: Path) -> Iterator[Row]:
    """Yield every row in the log of a file, whatever SQLite thinks of it; raises OSError."""
    wal = wal_of(file)
    if not wal.exists():
        return
    size = PAGE_BYTES
    if file.exists():
        with file.open("rb") as content:
            size = _page_bytes(content)
    with wal.open("rb") as log:
        log.seek(WAL_HEADER_BYTES)
        places: dict[int, int] = {}
        while len(head := log.read(FRAME_HEADER_BYTES)) == FRAME_HEADER_BYTES:
            places[int.from_bytes(head[:4])] = log.tell()
            log.seek(size, 1)

        def page_of(number: int) -> bytes:
            log.seek(places[number])
            return log.read(size)

        at = WAL_HEADER_BYTES + FRAME_HEADER_BYTES
        while log.seek(at) and (page := log.read(size)):
            yield from _leaf_rows(page, 0, page_of)
            at += FRAME_HEADER_BYTES + size


def _page_bytes(content: BufferedReader) -> int:
    content.seek(PAGE_SIZE_AT)
    size = int.from_bytes(content.read(2))
    return size if size >= 512 and size & (size - 1) == 0 else PAGE_BYTES


def _leaf_rows(page: bytes, start: int, page_of: PageOf) -> Iterator[Row]:
    if len(page) <= start or page[start] != LEAF:
        return
    cells = int.from_bytes(page[start + 3 : start + 5])
    for pointer in range(start + LEAF_HEADER_BYTES, start + LEAF_HEADER_BYTES + 2 * cells, 2):
        try:
            yield _row(page, int.from_bytes(page[pointer : pointer + 2]), page_of)
        except (IndexError, KeyError, ValueError):
            continue


def _row(page: bytes, at: int, page_of: PageOf) -> Row:
    """Return the row in a cell; raises IndexError, KeyError or ValueError for no such row."""
    length, at = _varint(page, at)
    key, at = _varint(page, at)
    if length > MAX_ROW_BYTES:
        raise ValueError("longer than any row")
    payload = _payload(page, at, length, page_of)
    header_bytes, at = _varint(payload, 0)
    types = []
    while at < header_bytes:
        kind, at = _varint(payload, at)
        types.append(kind)
    null, integer, blob = types
    number_bytes, blob_bytes = INTEGER_BYTES[integer], (blob - MIN_BLOB) // 2
    content = payload[at + number_bytes :]
    if null or blob < MIN_BLOB or blob % 2 or len(content) != blob_bytes:
        raise ValueError("columns of another table")
    number = int.from_bytes(payload[at : at + number_bytes]) if number_bytes else integer - 8
    return Row(key, number, content)


def _payload(page: bytes, at: int, length: int, page_of: PageOf) -> bytes:
    """Return the content of a cell, of which a long one continues on other pages."""
    usable = len(page)
    local = length
    if length > usable - 35:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = local if local <= usable - 35 else least
    parts, rest = [page[at : at + local]], length - local
    follows = page[at + local : at + local + 4]
    while rest > 0:
        more = page_of(int.from_bytes(follows))
        parts.append(more[4 : 4 + rest])
        if not parts[-1]:
            raise ValueError("the rest of a row is missing")
        rest -= len(parts[-1])
        follows = more[:4]
    return b"".join(parts)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Return an integer of SQLite's variable length, and the place behind it."""
    value = 0
    for place in range(at, at + 8):
        byte = content[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | content[at + 8], at + 9
