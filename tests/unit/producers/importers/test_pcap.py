import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.importers.pcap import Datagram, datagrams
from producers.source import SourceError

SECOND_NS = 1_000_000_000
AT_NS = 1_700_000_000 * SECOND_NS + 123_456_000

LAP = Datagram(AT_NS, b"lap", "127.0.0.1")


def udp(payload: bytes) -> bytes:
    return struct.pack(">HHHH", 50000, 20777, 8 + len(payload), 0) + payload


def ipv4(segment: bytes, fragment: int = 0, options: bytes = b"", protocol: int = 17) -> bytes:
    words = 5 + len(options) // 4
    head = struct.pack(">BBHHHBBH", 0x40 | words, 0, 4 * words + len(segment), 0, fragment, 64,
                       protocol, 0)  # fmt: skip
    return head + b"\x7f\0\0\1" * 2 + options + segment


def ipv6(segment: bytes) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(segment), 17, 64) + b"\0" * 32 + segment


def ethernet(packet: bytes, ether_type: int = 0x0800, tags: bytes = b"") -> bytes:
    return b"\0" * 12 + tags + ether_type.to_bytes(2) + packet


def pcap(
    *frames: bytes, order: str = "<", magic: int = 0xA1B2C3D4, units: int = 123_456, link: int = 1
) -> bytes:
    content = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for frame in frames:
        size = len(frame)
        content += struct.pack(f"{order}IIII", 1_700_000_000, units, size, size) + frame
    return content


def block(order: str, kind: int, body: bytes) -> bytes:
    body += b"\0" * (-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def pcapng(*frames: bytes, order: str = "<", link: int = 1, resolution: int | None = None) -> bytes:
    content = block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
    option = b"" if resolution is None else struct.pack(f"{order}HHB3xI", 9, 1, resolution, 0)
    content += block(order, 1, struct.pack(f"{order}HHI", link, 0, 0) + option)
    content += block(order, 5, b"statistics")
    ticks = AT_NS * 10 ** (6 if resolution is None else resolution) // SECOND_NS
    for frame in frames:
        head = struct.pack(f"{order}5I", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), 9999)
        content += block(order, 6, head + frame)
    return content


def read(folder: Path, content: bytes) -> list[Datagram]:
    path = folder / "a.pcap"
    path.write_bytes(content)
    return list(datagrams(path))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("magic", "units"), [(0xA1B2C3D4, 123_456), (0xA1B23C4D, 123_456_000)], ids=["us", "ns"]
)
def test_both_byte_orders_and_resolutions_give_the_same_datagrams(
    tmp_path: Path, order: str, magic: int, units: int
) -> None:
    content = pcap(ethernet(ipv4(udp(b"lap"))), order=order, magic=magic, units=units)
    assert read(tmp_path, content) == [LAP]
    assert read(tmp_path, gzip.compress(content)) == [LAP]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("resolution", [None, 6, 9])
def test_captures_of_wireshark_give_the_same_datagrams(
    tmp_path: Path, order: str, resolution: int | None
) -> None:
    content = pcapng(ethernet(ipv4(udp(b"lap"))), order=order, resolution=resolution)
    assert read(tmp_path, content) == [LAP]
    assert read(tmp_path, content + content) == [LAP] * 2


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, ethernet),
        (1, lambda packet: ethernet(packet, tags=b"\x88\xa8\0\7\x81\0\0\5")),
        (101, bytes),
        (228, bytes),
        (0, lambda packet: struct.pack("<I", 2) + packet),
        (108, lambda packet: struct.pack(">I", 2) + packet),
        (113, lambda packet: b"\0" * 14 + b"\x08\0" + packet),
        (276, lambda packet: b"\x08\0" + b"\0" * 18 + packet),
    ],
)
def test_every_link_type_is_read(
    tmp_path: Path, link: int, frame: Callable[[bytes], bytes]
) -> None:
    packet = ipv4(udp(b"lap"), options=b"\1" * 8)
    assert [d.payload for d in read(tmp_path, pcap(frame(packet), link=link))] == [b"lap"]
    assert [d.payload for d in read(tmp_path, pcapng(frame(packet), link=link))] == [b"lap"]


def test_datagrams_over_ipv6_are_read(tmp_path: Path) -> None:
    content = pcap(ethernet(ipv6(udp(b"lap")), ether_type=0x86DD))
    assert read(tmp_path, content) == [Datagram(AT_NS, b"lap", "::")]


def test_the_padding_of_short_ethernet_frames_is_no_payload(tmp_path: Path) -> None:
    [datagram] = read(tmp_path, pcap(ethernet(ipv4(udp(b"lap"))) + b"\0" * 20))
    assert datagram.payload == b"lap"


@pytest.mark.parametrize(
    "frame",
    [
        ethernet(ipv4(udp(b"lap"), fragment=0x2000)),
        ethernet(ipv4(udp(b"lap"), fragment=0x0010)),
        ethernet(ipv4(udp(b"lap"), protocol=6)),
        ethernet(ipv4(udp(b"lap")), ether_type=0x0806),
        ethernet(ipv4(udp(b"lap")[:-1])),
        ethernet(ipv4(udp(b"lap")))[:20],
        b"",
    ],
    ids=["first fragment", "later fragment", "TCP", "ARP", "not captured whole", "stub", "nothing"],
)
def test_an_incomplete_datagram_is_left_out(tmp_path: Path, frame: bytes) -> None:
    whole = ethernet(ipv4(udp(b"whole")))
    assert [d.payload for d in read(tmp_path, pcap(frame, whole))] == [b"whole"]


def test_frames_of_another_interface_than_a_network_are_left_out(tmp_path: Path) -> None:
    usb = block("<", 1, struct.pack("<HHI", 249, 0, 0))
    urb = block("<", 6, struct.pack("<5I", 1, 0, 0, 64, 64) + b"\0" * 64)
    content = pcapng(ethernet(ipv4(udp(b"lap")))) + usb + urb
    assert [d.payload for d in read(tmp_path, content)] == [b"lap"]


ONE = pcap(ethernet(ipv4(udp(b"lap"))))
ONE_NG = pcapng(ethernet(ipv4(udp(b"lap"))))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"just some text", "not a network capture"),
        (ONE[:10], "cut short"),
        (ONE[:-1], "cut short"),
        (ONE + b"\0", "cut short"),
        (gzip.compress(ONE, mtime=0)[:-9], "cut short"),
        (ONE_NG[:-1], "cut short"),
        (ONE + struct.pack("<IIII", 0, 0, 1 << 30, 1 << 30), "a packet of 1073741824 bytes"),
        (pcap(b"frame", link=147), "link type 147"),
        (ONE_NG + struct.pack("<II", 6, 1 << 30), "a block of 1073741824 bytes"),
        (ONE_NG + block("<", 6, struct.pack("<5I", 3, 0, 0, 0, 0)), "names no interface"),
        (ONE_NG + block("<", 6, struct.pack("<5I", 0, 0, 0, 99, 99)), "longer than its block"),
        (ONE_NG + block("<", 6, struct.pack("<5I", 0, 1 << 31, 0, 0, 0)), "out of range"),
        (ONE_NG + block("<", 6, b"head"), "has no head"),
        (ONE_NG + block("<", 1, b"head"), "an interface is not whole"),
        (struct.pack("<II", 0x0A0D0D0A, 28) + b"\0" * 20, "no known byte order"),
    ],
)
def test_a_damaged_capture_raises_an_error_that_names_the_fault(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read(tmp_path, content)
    assert "a.pcap" in str(caught.value)


@given(st.binary(max_size=200), st.sampled_from([ONE, ONE[:24], ONE_NG, ONE_NG[:28]]))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_any_capture_is_read_or_rejected_in_a_sentence(
    tmp_path: Path, tail: bytes, head: bytes
) -> None:
    try:
        read(tmp_path, head + tail)
    except SourceError as error:
        assert "a.pcap" in str(error)
