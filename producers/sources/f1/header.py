"""Read what every packet begins with, and tell packets from other bytes."""

from typing import Any, Final

from msgspec import Struct

from producers.sources.f1.layouts import FORMATS, HEADERS, LAYOUTS, SIZES, PacketLayout, of_format
from producers.sources.f1.record import Record

LONGEST_S: Final = 1e7
READERS: Final[dict[int, Record]] = {
    packet_format: header
    for packet_format in FORMATS
    if (header := of_format(HEADERS, packet_format)) is not None
}
PACKET_AT: Final = {2018: 3, 2019: 5, 2020: 5, 2021: 5, 2022: 5} | dict.fromkeys(FORMATS[5:], 6)


class Header(Struct, frozen=True, gc=False):
    """Hold a header; `overall_frame` never goes back in a session, None before 2023."""

    format: int
    packet: int
    session: int
    time_s: float
    frame: int
    overall_frame: int | None
    player: int

    @property
    def layout(self) -> PacketLayout | None:
        """Return the layout of the packet, None when nothing in it is read."""
        return LAYOUTS.get((self.format, self.packet))


def is_packet(datagram: bytes) -> bool:
    """Tell whether these bytes are a packet of a known format, kind and length."""
    packet_format = int.from_bytes(datagram[:2], "little")
    if packet_format not in READERS:
        return False
    at = PACKET_AT[packet_format]
    return len(datagram) > at and SIZES.get((packet_format, datagram[at])) == len(datagram)


def read_header(datagram: bytes) -> Header | None:
    """Read a header; None when the bytes are no packet, or of no time that can be."""
    if not is_packet(datagram):
        return None
    fields = READERS[int.from_bytes(datagram[:2], "little")].read(datagram, 0)
    if not 0 <= fields["time_s"] < LONGEST_S:
        return None
    return Header(
        fields["format"],
        fields["packet"],
        fields["session"],
        fields["time_s"],
        fields["frame"],
        fields.get("overall_frame"),
        fields["player"],
    )


def game_of(datagram: bytes) -> str:
    """Name the game and its version that a packet comes from."""
    packet_format = int.from_bytes(datagram[:2], "little")
    fields: dict[str, Any] = READERS[packet_format].read(datagram, 0)
    year = fields.get("year", packet_format - 2000)
    title = f"F1 {year}" if year > 21 else f"F1 20{year:02}"
    if "major" not in fields:
        return title
    return f"{title} {fields['major']}.{fields['minor']:02}, format {packet_format}"
