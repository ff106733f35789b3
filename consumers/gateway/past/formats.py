"""Encode traces as msgpack, JSON or CSV, piece by piece: pure.

Only the columns are held whole; a piece is about 64 kB of the encoded text or bytes.
"""

import struct
from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from pitbox.chunks.traces import Column, Table
from schemas.channels import CHANNELS, Channel
from schemas.timing import Lap

Format = Literal["msgpack", "json", "csv"]

MEDIA_TYPES: Final[dict[Format, str]] = {
    "msgpack": "application/vnd.msgpack",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}
ACCEPTED: Final[dict[str, Format]] = {
    "application/vnd.msgpack": "msgpack",
    "application/x-msgpack": "msgpack",
    "application/msgpack": "msgpack",
    "application/json": "json",
    "text/csv": "csv",
}
BY_ID: Final = {channel.id: channel for channel in CHANNELS}
PIECE_BYTES: Final = 65_536
PIECE_VALUES: Final = 8192


def render(
    form: Format, session: str, driver: str, lap: Lap | None, table: Table
) -> Iterator[bytes]:
    """Yield the table encoded in the format `form`, in pieces."""
    channels = _channels(table)
    about = {
        "session": session,
        "driver": driver,
        "lap": lap,
        "channels": [channel.name for channel in channels],
        "units": [channel.unit for channel in channels],
    }
    return _joined(RENDERERS[form](about, table))


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces joined to `PIECE_BYTES` at most."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        if waiting and size + len(piece) > PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(piece)
        size += len(piece)
    yield b"".join(waiting)


def accepted(accept: str) -> Format:
    """Return the first known format in an Accept header, JSON when it has none."""
    for part in accept.split(","):
        form = ACCEPTED.get(part.split(";")[0].strip().lower())
        if form:
            return form
    return "json"


def as_msgpack(about: dict[str, Any], table: Table) -> Iterator[bytes]:
    """Yield `PackedTraces` as msgpack: times are float64 ms, columns float32, little-endian.

    The heads of map, array and bytes are those of msgpack's specification: fixmap, array 32 and
    bin 32.
    """
    encode = msgspec.msgpack.encode
    fields = b"".join(encode(name) + encode(value) for name, value in about.items())
    yield bytes([0x80 + len(about) + 3]) + fields + encode("holes") + encode(table.holes_ms)
    yield encode("times")
    yield from _packed(table.times_ms.astype("<f8").tobytes())
    yield encode("columns") + struct.pack(">BI", 0xDD, len(table.columns))
    for column in table.columns:
        yield from _packed(column.astype("<f4").tobytes())


def _packed(values: bytes) -> Iterator[bytes]:
    yield struct.pack(">BI", 0xC6, len(values))
    for begin in range(0, len(values), PIECE_BYTES):
        yield values[begin : begin + PIECE_BYTES]


def as_json(about: dict[str, Any], table: Table) -> Iterator[bytes]:
    """Yield `Traces` as JSON; a value that is not finite becomes null."""
    encode = msgspec.json.encode
    yield encode({**about, "holes": table.holes_ms})[:-1] + b',"times_ms":'
    yield from _numbers(table.times_ms, np.asarray)
    yield b',"columns":['
    for place, column in enumerate(table.columns):
        if place:
            yield b","
        yield from _numbers(column, shortest)
    yield b"]}"


def _numbers(
    values: NDArray[Any], converted: Callable[[NDArray[Any]], NDArray[np.float64]]
) -> Iterator[bytes]:
    yield b"["
    for begin in range(0, len(values), PIECE_VALUES):
        piece = msgspec.json.encode(converted(values[begin : begin + PIECE_VALUES]).tolist())
        yield b"," * (begin > 0) + piece[1:-1]
    yield b"]"


def as_csv(about: dict[str, Any], table: Table) -> Iterator[bytes]:
    """Yield CSV with one row per frame and units in the header; an empty line marks a hole."""
    channels = zip(about["channels"], about["units"], strict=True)
    head = ["time_ms", *(f"{name} [{unit}]" if unit else name for name, unit in channels)]
    yield ",".join(head).encode() + b"\r\n"
    times_ms = table.times_ms
    holes = {int(place) for place in np.searchsorted(table.times_ns, [e for _, e in table.holes])}
    rows = max(1, PIECE_VALUES // len(head))
    for begin in range(0, len(times_ms), rows):
        piece = slice(begin, begin + rows)
        columns = [shortest(column[piece]).tolist() for column in table.columns]
        lines = [
            "\r\n" * (begin + place in holes)
            + ",".join([repr(value) if isfinite(value) else "" for value in row])
            for place, row in enumerate(zip(times_ms[piece].tolist(), *columns, strict=True))
        ]
        yield "\r\n".join([*lines, ""]).encode()
    if len(times_ms) in holes:
        yield b"\r\n"


RENDERERS: Final[dict[Format, Callable[[dict[str, Any], Table], Iterator[bytes]]]] = {
    "msgpack": as_msgpack,
    "json": as_json,
    "csv": as_csv,
}


def shortest(column: Column) -> NDArray[np.float64]:
    """Return each float32 as the double with the fewest digits that still rounds to it."""
    wide = column.astype(np.float64)
    with np.errstate(all="ignore"):
        magnitude = np.floor(np.log10(np.abs(wide)))
        for digits in (9, 8, 7):
            scale = 10.0 ** (digits - 1 - magnitude)
            rounded = np.round(wide * scale) / scale
            wide = np.where(rounded.astype(np.float32) == column, rounded, wide)
    return wide


def _channels(table: Table) -> list[Channel]:
    """Return the channels of the columns; an id unknown to this version becomes `channel_<id>`."""
    return [
        BY_ID.get(channel, Channel(channel, f"channel_{channel}", "", ""))
        for channel in table.channels
    ]
