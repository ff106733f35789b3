"""Read the UDP datagrams of network captures: pcap and pcapng, plain or gzipped.

The formats are those of draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Fragments are put
together; datagrams that are not whole are counted. Other traffic than UDP is left out.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from msgspec import Struct

from producers.importers.link_layers import LINK_TYPES, LinkLayer
from producers.left_out import Tally
from producers.source import SourceError

GZIP: Final = b"\x1f\x8b"
MAGICS: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""Byte order of a pcap file and the ns of one unit of its times, by magic."""

SECTION: Final = 0x0A0D0D0A
ORDERS: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
INTERFACE: Final = 1
ENHANCED_PACKET: Final = 6
RESOLUTION_OPTION: Final = 9
MICROSECONDS: Final = 6

MAX_FRAME_BYTES: Final = 262_144
MAX_BLOCK_BYTES: Final = 16 * 1024 * 1024
MAX_INTERFACES: Final = 1024
LATEST_NS: Final = 1 << 63


class Datagram(Struct, frozen=True, gc=False):
    """Hold one UDP payload, its time of capture, ns since 1970, and its sender's address."""

    captured_ns: int
    payload: bytes
    sender: str = ""


class Interface(Struct, frozen=True):
    """Describe a captured network interface: its link type and the resolution of its times."""

    link_type: int
    ticks_per_s: int


def datagrams(path: Path, left_out: Tally | None = None) -> Iterator[Datagram]:
    """Yield the UDP datagrams of a capture in its order; raises SourceError when it is damaged.

    Datagrams that are not whole are counted in `left_out` at the end.
    """
    try:
        with _unpacked(path) as file:
            content = Content(file, path.name)
            magic = content.take(4)
            if magic in MAGICS:
                yield from _pcap(content, *MAGICS[magic])
            elif int.from_bytes(magic) == SECTION:
                yield from _pcapng(content)
            else:
                raise SourceError(f"{path.name} is not a network capture")
            if left_out is not None and (incomplete := content.incomplete()):
                left_out.add("incomplete", count=incomplete)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path.name} is damaged, or cut short: {error}") from None


def _unpacked(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    return cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


class Content:
    """Read a capture piece by piece, and name it in errors."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._link = LinkLayer()
        self.name = name

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes; raises SourceError when there are fewer."""
        piece = self._file.read(size)
        if len(piece) < size:
            raise SourceError(f"{self.name} is cut short: its last packet is not whole")
        return piece

    def take_or_end(self, size: int) -> bytes:
        """Return the next `size` bytes, none at the end; raises SourceError for fewer."""
        first = self._file.read(1)
        return first + self.take(size - 1) if first else b""

    def damaged(self, what: str) -> SourceError:
        """Return the error for a damaged capture."""
        return SourceError(f"{self.name} is damaged: {what}")

    def datagram(self, frame: bytes, link_type: int, captured_ns: int) -> Iterator[Datagram]:
        """Yield the datagram that a frame holds or completes, if any; raises SourceError.

        The errors are a time out of range and an unknown link type.
        """
        if not captured_ns < LATEST_NS:
            raise self.damaged("the time of a packet is out of range")
        if link_type not in LINK_TYPES:
            raise SourceError(
                f"{self.name} was captured on link type {link_type}, which is unknown: "
                f"capture on Ethernet, Wi-Fi or loopback"
            )
        found = self._link.unpack(frame, link_type, captured_ns)
        if found is not None:
            yield Datagram(captured_ns, found.payload, found.sender)

    def incomplete(self) -> int:
        """Return how many datagrams are not whole, at the end of the capture."""
        self._link.close()
        return self._link.incomplete


def _pcap(content: Content, order: str, ns_per_unit: int) -> Iterator[Datagram]:
    (network,) = struct.unpack(f"{order}16xI", content.take(20))
    record = struct.Struct(f"{order}IIII")
    while head := content.take_or_end(record.size):
        seconds, units, captured, _ = record.unpack(head)
        if captured > MAX_FRAME_BYTES:
            raise content.damaged(f"a packet of {captured} bytes")
        captured_ns = seconds * 1_000_000_000 + units * ns_per_unit
        yield from content.datagram(content.take(captured), network & 0xFFFF, captured_ns)


def _pcapng(content: Content) -> Iterator[Datagram]:
    order = _section(content)
    interfaces: list[Interface] = []
    while head := content.take_or_end(4):
        if int.from_bytes(head) == SECTION:
            order, interfaces = _section(content), []
            continue
        (kind,) = struct.unpack(f"{order}I", head)
        (length,) = struct.unpack(f"{order}I", content.take(4))
        body = _body(content, length)
        if kind == INTERFACE and len(interfaces) < MAX_INTERFACES:
            interfaces.append(_interface(content, body, order))
        elif kind == ENHANCED_PACKET:
            yield from _enhanced(content, body, order, interfaces)


def _section(content: Content) -> str:
    """Read the rest of a section header after its first four bytes; return its byte order."""
    raw, magic = content.take(4), content.take(4)
    if magic not in ORDERS:
        raise content.damaged("a section has no known byte order")
    (length,) = struct.unpack(f"{ORDERS[magic]}I", raw)
    _body(content, length, read=12)
    return ORDERS[magic]


def _body(content: Content, length: int, read: int = 8) -> bytes:
    """Read the rest of a block after `read` bytes; return it without the length at its end."""
    if not read + 4 <= length <= MAX_BLOCK_BYTES or length % 4:
        raise content.damaged(f"a block of {length} bytes")
    return content.take(length - read)[:-4]


def _interface(content: Content, body: bytes, order: str) -> Interface:
    if len(body) < 8:
        raise content.damaged("the description of an interface is not whole")
    (link_type,) = struct.unpack_from(f"{order}H", body)
    resolution = MICROSECONDS
    at = 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(f"{order}HH", body, at)
        if code == RESOLUTION_OPTION and size == 1 and at + 4 < len(body):
            resolution = body[at + 4]
        at += 4 + size + -size % 4
    base = 2 if resolution & 0x80 else 10
    return Interface(link_type, base ** (resolution & 0x7F))


def _enhanced(
    content: Content, body: bytes, order: str, interfaces: list[Interface]
) -> Iterator[Datagram]:
    if len(body) < 20:
        raise content.damaged("a packet has no head")
    index, high, low, captured = struct.unpack_from(f"{order}IIII", body)
    if index >= len(interfaces) or captured > min(len(body) - 20, MAX_FRAME_BYTES):
        raise content.damaged("a packet names no interface, or is longer than its block")
    interface = interfaces[index]
    if interface.link_type not in LINK_TYPES and any(i.link_type in LINK_TYPES for i in interfaces):
        return  # Another interface than a network was captured too, such as USB or Bluetooth.
    captured_ns = (high << 32 | low) * 1_000_000_000 // interface.ticks_per_s
    yield from content.datagram(body[20 : 20 + captured], interface.link_type, captured_ns)
