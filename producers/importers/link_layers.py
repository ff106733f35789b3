"""Find the UDP payload in a captured frame of any known link type."""

import struct
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

from producers.importers.fragments import Fragment, Fragments

UDP: Final = 17
VLAN_TAGS: Final = (0x8100, 0x88A8, 0x9100)
ETHER_TYPES: Final = (0x0800, 0x86DD)
MORE_FRAGMENTS: Final = 0x2000
OFFSET: Final = 0x1FFF
FRAGMENT_HEADER: Final = 44

IPV4: Final = struct.Struct(">BxHHHxBxx4s4s")
IPV6: Final = struct.Struct(">4xHBx16s16s")
IPV6_FRAGMENT: Final = struct.Struct(">BxHI")
UDP_HEADER: Final = struct.Struct(">4xHxx")


def _ethernet(frame: bytes) -> bytes:
    start = 12
    while int.from_bytes(frame[start : start + 2]) in VLAN_TAGS:
        start += 4
    return _of_type(frame, start, start + 2)


def _of_type(frame: bytes, type_at: int, packet_at: int) -> bytes:
    ether_type = int.from_bytes(frame[type_at : type_at + 2])
    return frame[packet_at:] if ether_type in ETHER_TYPES else b""


LINK_TYPES: Final[dict[int, Callable[[bytes], bytes]]] = {
    0: lambda frame: frame[4:],  # BSD loopback
    1: _ethernet,
    12: bytes,  # raw IP
    14: bytes,
    101: bytes,
    108: lambda frame: frame[4:],  # OpenBSD loopback
    113: lambda frame: _of_type(frame, 14, 16),  # Linux cooked
    228: bytes,
    229: bytes,
    276: lambda frame: _of_type(frame, 0, 20),  # Linux cooked, version 2
}
"""Function that returns the IP packet of a frame, by https://www.tcpdump.org/linktypes.html."""


class Payload(Struct, frozen=True, gc=False):
    """Hold the payload of a UDP datagram, and the address of its sender."""

    sender: str
    payload: bytes


class LinkLayer:
    """Unpack captured frames of any known link type.

    `incomplete` counts the datagrams that were not captured whole, or of which a fragment is
    missing.
    """

    def __init__(self) -> None:
        self._fragments = Fragments()
        self._cut = 0

    @property
    def incomplete(self) -> int:
        """Return how many datagrams were left out so far."""
        return self._cut + self._fragments.incomplete

    def unpack(self, frame: bytes, link_type: int, at_ns: int) -> Payload | None:
        """Return the UDP datagram that a frame holds or completes, else None.

        Raises KeyError when the link type is not one of `LINK_TYPES`.
        """
        packet = LINK_TYPES[link_type](frame)
        version = packet[0] >> 4 if packet else 0
        if version == 4 and len(packet) >= IPV4.size:
            return self._ipv4(packet, at_ns)
        if version == 6 and len(packet) >= IPV6.size:
            return self._ipv6(packet, at_ns)
        return None

    def close(self) -> None:
        """Count the datagrams that still wait for fragments, at the end of a capture."""
        self._fragments.close()

    def _ipv4(self, packet: bytes, at_ns: int) -> Payload | None:
        first, length, number, place, protocol, source, target = IPV4.unpack_from(packet)
        if protocol != UDP:
            return None
        content = packet[4 * (first & 0xF) : length or len(packet)]
        offset, more = 8 * (place & OFFSET), bool(place & MORE_FRAGMENTS)
        key = source, target, number
        return self._whole(Fragment(key, offset, more, content), at_ns)

    def _ipv6(self, packet: bytes, at_ns: int) -> Payload | None:
        length, following, source, target = IPV6.unpack_from(packet)
        content = packet[IPV6.size : IPV6.size + length]
        if following == UDP:
            return self._whole(Fragment((source, target, 0), 0, False, content), at_ns)
        if following != FRAGMENT_HEADER or len(content) < IPV6_FRAGMENT.size:
            return None
        following, place, number = IPV6_FRAGMENT.unpack_from(content)
        if following != UDP:
            return None
        fragment = Fragment(
            (source, target, number),
            place & ~7,
            bool(place & 1),
            content[IPV6_FRAGMENT.size :],
        )
        return self._whole(fragment, at_ns)

    def _whole(self, fragment: Fragment, at_ns: int) -> Payload | None:
        segment: bytes | None = fragment.content
        if fragment.more or fragment.offset:
            segment = self._fragments.add(fragment, at_ns)
            if segment is None:
                return None
        payload = _udp(segment or b"")
        if payload is None:
            self._cut += 1
            return None
        return Payload(_address(fragment.key[0]), payload)


@lru_cache(maxsize=256)
def _address(packed: bytes) -> str:
    return str(ip_address(packed))


def _udp(segment: bytes) -> bytes | None:
    if len(segment) < UDP_HEADER.size:
        return None
    (length,) = UDP_HEADER.unpack_from(segment)
    whole = UDP_HEADER.size <= length <= len(segment)
    return segment[UDP_HEADER.size : length] if whole else None
