import gzip
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.importers.recording import open_recording
from producers.source import Began, Frame, SourceError
from producers.sources.gt7.packet import encrypt
from schemas.sim import LeftOut

PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


def gt7_plain(number: int, length: int = 296) -> bytes:
    plain = bytearray(length)
    plain[:4] = b"0S7G"
    struct.pack_into("<4f", plain, 0x1C, 0, 0, 0, 1)
    struct.pack_into("<ihhii", plain, 0x70, number, 1, 0, -1, -1)
    struct.pack_into("<H", plain, 0x8E, 1)
    return bytes(plain)


def gt7(number: int) -> bytes:
    return encrypt(gt7_plain(number), seed=number)


def assetto(lap_ms: int) -> bytes:
    plain = bytearray(struct.pack("<c3xi", b"a", 328).ljust(328, b"\0"))
    struct.pack_into("<i", plain, 40, lap_ms)
    return bytes(plain)


def pcap(*payloads: bytes) -> bytes:
    """Return a capture of UDP datagrams over Ethernet and IPv4, a second apart."""
    content = PCAP_HEAD
    for second, payload in enumerate(payloads, start=1_700_000_000):
        udp = struct.pack(">HHHH", 50000, 33740, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                         b"\x7f\0\0\1", b"\x7f\0\0\1")  # fmt: skip
        frame = b"\0" * 12 + b"\x08\0" + ip + udp
        content += struct.pack("<IIII", second, 0, len(frame), len(frame)) + frame
    return content


def imported(path: Path, content: bytes) -> list[object]:
    path.write_bytes(content)
    return list(open_recording(path))


@pytest.mark.parametrize("name", ["drive.pcap", "drive.pcap.gz", "drive"])
def test_a_capture_is_recognised_by_its_content(tmp_path: Path, name: str) -> None:
    content = pcap(gt7(1), gt7(2))
    packed = gzip.compress(content) if name.endswith(".gz") else content
    items = imported(tmp_path / name, packed)
    assert [type(item) for item in items] == [Began, Frame, Frame]
    times = [item.captured_ns for item in items if isinstance(item, Frame)]
    assert times == [1_700_000_000_000_000_000, 1_700_000_001_000_000_000]


def test_datagrams_of_other_programs_are_counted(tmp_path: Path) -> None:
    items = imported(tmp_path / "a.pcap", pcap(b"C", gt7(1), b"\0" * 100, gt7(2)))
    assert [type(item) for item in items[:3]] == [Began, Frame, Frame]
    left_out = [(item.reason, item.count) for item in items[3:] if isinstance(item, LeftOut)]
    assert sorted(left_out) == [("unknown", 1), ("unknown", 1)]


@pytest.mark.parametrize("length", [296, 316, 344, 368])
def test_recordings_of_plain_packets_are_timed_by_their_numbers(
    tmp_path: Path, length: int
) -> None:
    packets = b"".join(gt7_plain(number, length) for number in (1, 2, 61))
    items = imported(tmp_path / "a.gtz", gzip.compress(packets + packets[:100]))
    times = [item.captured_ns for item in items if isinstance(item, Frame)]
    assert times[-1] - times[0] == 1_000_000_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"just some text", "its kind is unknown"),
        (gzip.compress(b"lap,time\n1,90"), "its kind is unknown"),
        (gzip.compress(b"x" * 1000)[:-12], "its kind is unknown|damaged"),
        (gzip.compress(b"".join(map(gt7_plain, range(99))))[:-20], "cut short"),
        (gzip.compress(b"0S7G" * 3), "no packets of Gran Turismo 7"),
        (b"\x1f\x8bnot gzip at all", "damaged"),
        (pcap(), "no UDP datagrams"),
        (pcap(b"\0" * 264, b"\1" * 264), "none of the 2 datagrams .* Gran Turismo 7"),
        (pcap(gt7(1), assetto(1)), "of gt7 and of assetto"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_imported_is_rejected_before_the_first_observation(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "bad.file"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        next(open_recording(path))
    assert "bad.file" in str(caught.value)


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a folder"):
        open_recording(tmp_path)
    with pytest.raises(SourceError, match=r"nowhere\.ibt: No such file"):
        open_recording(tmp_path / "nowhere.ibt")


@given(st.binary(max_size=300), st.sampled_from([b"", PCAP_HEAD, b"\x1f\x8b", b"0S7G"]))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_any_file_is_read_or_rejected_in_a_sentence(
    tmp_path: Path, tail: bytes, head: bytes
) -> None:
    for suffix in (".bin", ".ibt", ".gtz"):
        path = tmp_path / f"any{suffix}"
        path.write_bytes(head + tail)
        with pytest.raises(SourceError):
            list(open_recording(path))
