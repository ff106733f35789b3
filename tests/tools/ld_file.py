"""Logs as MoTeC's loggers write them, channel by channel."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

CODES = {"h": (3, 2), "i": (3, 4), "f": (7, 4)}
HEADER_BYTES = 0x1000
CHANNEL_BYTES = 124


class Channel(NamedTuple):
    """A channel with the raw values of its samples, and how they are scaled."""

    name: str
    unit: str
    rate_hz: int
    raw: Sequence[float]
    code: str = "f"
    shift: int = 0
    multiplier: int = 1
    scale: int = 1
    decimals: int = 0


def file(
    *channels: Channel,
    date: str = "23/11/2005",
    time: str = "09:53:00",
    vehicle: str = "11A",
    venue: str = "Calder",
) -> bytes:
    """Return a log with these channels."""
    samples_at = HEADER_BYTES + CHANNEL_BYTES * len(channels)
    described, samples = b"", b""
    for index, channel in enumerate(channels):
        at = HEADER_BYTES + CHANNEL_BYTES * index
        described += struct.pack(
            "<4I4H4h32s8s12s40x",
            at - CHANNEL_BYTES if index else 0,
            at + CHANNEL_BYTES if index + 1 < len(channels) else 0,
            samples_at + len(samples),
            len(channel.raw),
            0,
            *CODES[channel.code],
            channel.rate_hz,
            channel.shift,
            channel.multiplier,
            channel.scale,
            channel.decimals,
            channel.name.encode("cp1252"),
            b"",
            channel.unit.encode("cp1252"),
        )
        samples += struct.pack(f"<{len(channel.raw)}{channel.code}", *channel.raw)
    header = bytearray(HEADER_BYTES)
    struct.pack_into("<I4xII", header, 0, 0x40, HEADER_BYTES if channels else 0, samples_at)
    for at, text in ((0x5E, date), (0x7E, time), (0xDE, vehicle), (0x15E, venue)):
        header[at : at + len(text)] = text.encode("cp1252")
    return bytes(header) + described + samples


def ldx(*beacons_s: float) -> str:
    """Return the file beside a log, with beacons."""
    markers = "".join(
        f'<Marker ClassName="BCN" Name="{index}, id=99" Time="{beacon_s * 1e6:.17e}"/>'
        for index, beacon_s in enumerate(beacons_s)
    )
    return (
        '<?xml version="1.0"?>\n<LDXFile Version="1.6"><Layers><Layer><MarkerBlock>'
        f'<MarkerGroup Name="Beacons" Index="3">{markers}</MarkerGroup>'
        "</MarkerBlock></Layer></Layers></LDXFile>"
    )
