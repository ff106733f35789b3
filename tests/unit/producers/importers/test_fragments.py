"""Fragments of captured datagrams are put together, in bounded memory; the others are counted."""

import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.importers.fragments import MAX_PENDING, PATIENCE_NS, Fragment, Fragments
from producers.importers.pcap import datagrams
from producers.left_out import Tally

HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)


def udp(payload: bytes) -> bytes:
    return struct.pack(">HHHH", 50000, 20777, 8 + len(payload), 0) + payload


def ipv4(segment: bytes, number: int, size: int = 1256) -> list[bytes]:
    """Return a segment as IPv4 packets, of which each carries `size` bytes at most."""
    packets = []
    for at in range(0, len(segment), size):
        part, more = segment[at : at + size], at + size < len(segment)
        place = at // 8 | 0x2000 * more
        head = struct.pack(
            ">BBHHHBBH4s4s",
            0x45,
            0,
            20 + len(part),
            number,
            place,
            64,
            17,
            0,
            b"\n\0\0\1",
            b"\n\0\0\2",
        )
        packets.append(head + part)
    return packets


def ipv6(segment: bytes, number: int, size: int = 1232) -> list[bytes]:
    packets = []
    for at in range(0, len(segment), size):
        part, more = segment[at : at + size], at + size < len(segment)
        fragment = struct.pack(">BBHI", 17, 0, at | more, number) + part
        packets.append(struct.pack(">IHBB", 6 << 28, len(fragment), 44, 64) + b"\1" * 32 + fragment)
    return packets


def read(folder: Path, packets: list[bytes]) -> tuple[list[bytes], int]:
    """Return the payloads of a capture, and how many datagrams were left out."""
    content = HEAD
    for second, packet in enumerate(packets):
        content += struct.pack("<IIII", 1_700_000_000, second, len(packet), len(packet)) + packet
    path, left_out = folder / "a.pcap", Tally()
    path.write_bytes(content)
    payloads = [datagram.payload for datagram in datagrams(path, left_out)]
    return payloads, left_out.total


@pytest.mark.parametrize("cut", [ipv4, ipv6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fragments_are_put_together_in_any_order(tmp_path: Path, cut, seed: int) -> None:  # type: ignore[no-untyped-def]
    payloads = [random.Random(number).randbytes(900 + 700 * number) for number in range(6)]
    packets = [part for number, one in enumerate(payloads) for part in cut(udp(one), number)]
    random.Random(seed).shuffle(packets)
    found, lost = read(tmp_path, packets)
    assert (sorted(found), lost) == (sorted(payloads), 0)


def test_a_datagram_of_which_a_fragment_is_missing_is_counted_once(tmp_path: Path) -> None:
    first, second, _ = ipv4(udp(b"x" * 3000), 1)
    whole = ipv4(udp(b"whole"), 2)
    assert read(tmp_path, [first, second, *whole]) == ([b"whole"], 1)


def test_a_datagram_that_was_cut_by_the_capture_is_counted(tmp_path: Path) -> None:
    [packet] = ipv4(udp(b"lap"), 1)
    assert read(tmp_path, [packet[:-1]]) == ([], 1)


def test_memory_is_bounded_and_what_it_costs_is_counted() -> None:
    fragments = Fragments()
    for number in range(MAX_PENDING + 10):
        assert fragments.add(Fragment((b"a", b"b", number), 0, True, b"x"), 0) is None
    assert fragments.incomplete == 10
    fragments.close()
    assert fragments.incomplete == MAX_PENDING + 10


def test_an_identification_may_be_used_again_later() -> None:
    fragments, key = Fragments(), (b"a", b"b", 7)
    fragments.add(Fragment(key, 0, True, b"old-old-"), 0)
    later = PATIENCE_NS + 1
    assert fragments.add(Fragment(key, 0, True, b"new-new-"), later) is None
    assert fragments.add(Fragment(key, 8, False, b"end"), later) == b"new-new-end"
    assert fragments.incomplete == 1


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 8191), st.booleans(), st.binary(max_size=40))
    )
)
def test_no_fragment_breaks_anything(parts: list[tuple[int, int, bool, bytes]]) -> None:
    fragments = Fragments()
    for number, offset, more, content in parts:
        whole = fragments.add(Fragment((b"", b"", number), 8 * offset, more, content), 0)
        assert whole is None or len(whole) <= 65_535
    fragments.close()
    assert fragments.incomplete <= len(parts)
