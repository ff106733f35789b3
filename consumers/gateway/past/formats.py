"""Encode traces as msgpack, JSON or CSV: pure."""

from collections.abc import Callable
from math import isfinite
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from consumers.gateway.past.traces import Column, Table
from schemas.api import PackedTraces, Traces
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


def render(form: Format, session: str, driver: str, lap: Lap | None, table: Table) -> bytes:
    """Return the table encoded in the format `form`."""
    return RENDERERS[form](session, driver, lap, table)


def accepted(accept: str) -> Format:
    """Return the first known format in an Accept header, JSON when it has none."""
    for part in accept.split(","):
        form = ACCEPTED.get(part.split(";")[0].strip().lower())
        if form:
            return form
    return "json"


def as_msgpack(session: str, driver: str, lap: Lap | None, table: Table) -> bytes:
    """Return `PackedTraces` as msgpack: times are float64 ms, columns float32, little-endian."""
    traces = PackedTraces(
        session=session,
        driver=driver,
        lap=lap,
        channels=tuple(channel.name for channel in _channels(table)),
        units=tuple(channel.unit for channel in _channels(table)),
        times=table.times_ms.astype("<f8").tobytes(),
        columns=tuple(column.astype("<f4").tobytes() for column in table.columns),
        holes=table.holes_ms,
    )
    return msgspec.msgpack.encode(traces)


def as_json(session: str, driver: str, lap: Lap | None, table: Table) -> bytes:
    """Return `Traces` as JSON; a value that is not finite becomes null."""
    traces = Traces(
        session=session,
        driver=driver,
        lap=lap,
        channels=tuple(channel.name for channel in _channels(table)),
        units=tuple(channel.unit for channel in _channels(table)),
        times_ms=tuple(table.times_ms.tolist()),
        columns=tuple(tuple(shortest(column).tolist()) for column in table.columns),
        holes=table.holes_ms,
    )
    return msgspec.json.encode(traces)


def as_csv(session: str, driver: str, lap: Lap | None, table: Table) -> bytes:
    """Return CSV with one row per frame and units in the header; an empty line marks a hole."""
    head = ["time_ms", *(f"{c.name} [{c.unit}]" if c.unit else c.name for c in _channels(table))]
    columns = [table.times_ms.tolist(), *(shortest(column).tolist() for column in table.columns)]
    lines = [
        ",".join([repr(value) if isfinite(value) else "" for value in row])
        for row in zip(*columns, strict=True)
    ]
    ends = [end for _, end in table.holes]
    for place in np.searchsorted(table.times_ns, ends)[::-1].tolist():
        lines.insert(place, "")
    return "\r\n".join([",".join(head), *lines, ""]).encode()


RENDERERS: Final[dict[Format, Callable[[str, str, Lap | None, Table], bytes]]] = {
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
