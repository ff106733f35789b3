"""Chunks as the spool keeps them, and damage as disks do it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from producers.spool.disk import FILE
from producers.spool.ledger import RunKey
from tests.tools.hub import chunk

KEY: Final = RunKey("spa", "ada", 7)
PAGE_BYTES: Final = 4096

Damage = Callable[[bytes], bytes]


def encoded(number: int, key: RunKey = KEY, *, extra: int = 0, version: int = 2) -> bytes:
    """Return a chunk's bytes; `extra` makes it longer by so many."""
    named = {"session": key.session, "driver": key.driver, "run": key.run}
    made = chunk(number, **named, observed=b"x" * extra, version=version)
    return msgspec.msgpack.encode(made)


def encoded_chunks(first: int, last: int, key: RunKey = KEY, *, extra: int = 0) -> list[bytes]:
    """Return the bytes of consecutive chunks."""
    return [encoded(number, key, extra=extra) for number in range(first, last + 1)]


def damage_rows(folder: Path, numbers: range, damage: Damage) -> None:
    """Change the bytes of rows of the newest run in a spool that is not open."""
    with closing(sqlite3.connect(folder / FILE)) as database:
        (newest,) = database.execute("select max(place >> 31) from chunk").fetchone()
        for number in numbers:
            place = newest << 31 | number
            row = database.execute("select encoded from chunk where place = ?", (place,)).fetchone()
            assert row, f"chunk {number} is not in the spool"
            change = "update chunk set encoded = ? where place = ?"
            database.execute(change, (damage(row[0]), place))
        database.commit()


def flip(place: int, bit: int = 0) -> Damage:
    """Return the damage of one flipped bit in a byte."""
    return lambda content: (
        content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
    )


def flip_in(field: int) -> Damage:
    """Return the damage of one flipped bit in the last byte of a field of the chunk."""

    def damage(content: bytes) -> bytes:
        fields = msgspec.msgpack.decode(content)
        before = b"".join(map(msgspec.msgpack.encode, fields[: field + 1]))
        return flip(len(before))(content)  # the array's own first byte comes before

    return damage


def execute(folder: Path, statement: str) -> None:
    """Execute a statement in a spool that is not open."""
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute(statement)
        database.commit()


def checkpoint(folder: Path) -> None:
    """Move everything in the log of a spool that is not open into its file."""
    execute(folder, "pragma wal_checkpoint(truncate)")


def newest(folder: Path) -> int:
    """Return the highest number of the newest run in a spool that is not open."""
    with closing(sqlite3.connect(folder / FILE)) as database:
        return int(database.execute("select max(place) & 0x7fffffff from chunk").fetchone()[0])


def zero_pages(folder: Path, count: int, driver: str = KEY.driver) -> int:
    """Zero pages of a driver's chunks in the middle of a spool's file; return how many."""
    file = folder / FILE
    content = bytearray(file.read_bytes())
    marker = msgspec.msgpack.encode(driver)
    pages = range(PAGE_BYTES, len(content), PAGE_BYTES)
    leaves = [at for at in pages if content[at : at + PAGE_BYTES].count(marker) > 2]
    middle = len(leaves) // 2
    chosen = leaves[middle : middle + count]
    for at in chosen:
        content[at : at + PAGE_BYTES] = bytes(PAGE_BYTES)
    file.write_bytes(content)
    return len(chosen)
