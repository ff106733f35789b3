"""Read the header of packets, and recognise packets among other bytes."""

from operator import itemgetter
from typing import Any, Final

from msgspec import Struct

from producers.sources.f1.formats import FORMATS, HEADERS, of_format
from producers.sources.f1.layouts import LAYOUTS, SIZES, PacketLayout
from producers.sources.f1.record import Record

LONGEST_S: Final = 1e7
READERS: Final[dict[int, Record]] = {
    packet_format: header
    for packet_format in FORMATS
    if (header := of_format(HEADERS, packet_format)) is not None
}


class Header(Struct, frozen=True, gc=False):
    """Hold a header; `overall_frame` never goes back within a session and is None before 2023."""

    format: int
    packet: int
    session: int
    time_s: float
    frame: int
    player: int
    overall_frame: int | None = None

    @property
    def layout(self) -> PacketLayout | None:
        """Return the layout of the packet; None for a kind that is not decoded."""
        return LAYOUTS.get((self.format, self.packet))


PICKERS: Final = {
    packet_format: itemgetter(
        *(reader.names.index(name) for name in Header.__struct_fields__ if name in reader.names)
    )
    for packet_format, reader in READERS.items()
}
PACKET_AT: Final = {
    packet_format: reader.names.index("packet") + 1 for packet_format, reader in READERS.items()
}
"""Offset of the packet's kind: of the fields before it only the format has two bytes."""


def is_packet(datagram: bytes) -> bool:
    """Return whether these bytes are a packet of a known format, kind and length."""
    size, packet_format = len(datagram), int.from_bytes(datagram[:2], "little")
    at = PACKET_AT.get(packet_format, size)
    return at < size and SIZES.get((packet_format, datagram[at])) == size


def read_header(datagram: bytes) -> Header | None:
    """Read a header; return None when the bytes are no packet or its time is out of range."""
    if not is_packet(datagram):
        return None
    packet_format = int.from_bytes(datagram[:2], "little")
    header = Header(*PICKERS[packet_format](READERS[packet_format].numbers(datagram)))
    return header if 0 <= header.time_s < LONGEST_S else None


def game_of(datagram: bytes) -> str:
    """Return the name and version of the game that sent a packet."""
    packet_format = int.from_bytes(datagram[:2], "little")
    fields: dict[str, Any] = READERS[packet_format].read(datagram, 0)
    year = fields.get("year", packet_format - 2000)
    title = f"F1 {year}" if year > 21 else f"F1 20{year:02}"
    if "major" not in fields:
        return title
    return f"{title} {fields['major']}.{fields['minor']:02}, format {packet_format}"
