"""Find the UDP payload in a captured frame of any known link type."""

import struct
from collections.abc import Callable
from typing import Final

UDP: Final = 17
VLAN_TAGS: Final = (0x8100, 0x88A8, 0x9100)
ETHER_TYPES: Final = (0x0800, 0x86DD)
MORE_OR_LATER_FRAGMENT: Final = 0x3FFF

IPV4: Final = struct.Struct(">BxHxxHxB10x")
IPV6: Final = struct.Struct(">4xHBx32x")
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


def payload_of(frame: bytes, link_type: int) -> bytes | None:
    """Return the payload of a frame that holds one whole UDP datagram, else None.

    Raises KeyError when the link type is not one of `LINK_TYPES`.
    """
    packet = LINK_TYPES[link_type](frame)
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        return _ipv4(packet)
    return _ipv6(packet) if version == 6 else None


def _ipv4(packet: bytes) -> bytes | None:
    if len(packet) < IPV4.size:
        return None
    first, length, fragment, protocol = IPV4.unpack_from(packet)
    if protocol != UDP or fragment & MORE_OR_LATER_FRAGMENT:
        return None
    return _udp(packet[4 * (first & 0xF) : length or len(packet)])


def _ipv6(packet: bytes) -> bytes | None:
    if len(packet) < IPV6.size:
        return None
    length, following = IPV6.unpack_from(packet)
    return _udp(packet[IPV6.size : IPV6.size + length]) if following == UDP else None


def _udp(segment: bytes) -> bytes | None:
    if len(segment) < UDP_HEADER.size:
        return None
    (length,) = UDP_HEADER.unpack_from(segment)
    whole = UDP_HEADER.size <= length <= len(segment)
    return segment[UDP_HEADER.size : length] if whole else None
