"""Test the rows of a binary COPY: a value that does not fit its column is NULL."""

import math
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.persister import rows
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.frames import pack, row_struct
from schemas.channels import CHANNEL_BY_NAME, bitmap, ids
from schemas.telemetry import MAX_FRAMES
from tests.tools.hub import START_NS, chunk

FIXED = {"lap_number": "i", "position": "i"}


def fields(encoded: bytes) -> dict[str, bytes | None]:
    """Decode a row by the description of the format in Postgres's manual."""
    (count,) = struct.unpack_from("!h", encoded)
    found: list[bytes | None] = []
    at = 2
    for _ in range(count):
        (length,) = struct.unpack_from("!i", encoded, at)
        at += 4
        found.append(None if length < 0 else encoded[at : at + length])
        at += max(length, 0)
    assert at == len(encoded)
    return dict(zip(rows.COLUMNS, found, strict=True))


def plain(**channels: float) -> dict[str, float | None]:
    """Return the plain columns of a chunk with these channels in its last frame."""
    names = sorted(channels, key=lambda name: CHANNEL_BY_NAME[name].id)
    last = row_struct(len(names)).pack(*(channels[name] for name in names))
    first = row_struct(len(names)).pack(*([5.0] * len(names)))
    made = chunk(
        frames=2,
        block=pack([START_NS, START_NS + 1000], [first, last]),
        channels=bitmap(ids(*names)),
    )
    found = fields(rows.row(made))
    return {
        name: None if (raw := found[name]) is None else _number(name, raw) for name in rows.PLAIN
    }


def _number(name: str, raw: bytes) -> float:
    value: float = struct.unpack("!" + FIXED.get(name, "f"), raw)[0]
    return value


def test_a_row_holds_the_fields_of_its_chunk() -> None:
    made = chunk(7, run=2**60, observed=b"\x91\xc0")
    found = fields(rows.row(made))
    assert (found["session"], found["driver"]) == (b"test", b"ada")
    assert found["run"] == struct.pack("!q", 2**60)
    assert found["chunk"] == struct.pack("!i", 7)
    assert found["frames"] == struct.pack("!i", 3)
    assert found["captured_ns"] == struct.pack("!q", made.captured_ns)
    assert found["ended_ns"] == struct.pack("!q", made.captured_ns + 32_000_000)
    assert found["crc"] == struct.pack("!q", made.crc)
    assert (found["block"], found["channels"]) == (made.block, made.channels)
    assert found["observed"] == b"\x91\xc0"
    assert fields(rows.row(chunk()))["observed"] is None


def test_plain_columns_come_from_the_last_frame() -> None:
    found = plain(lap_number=3, lap_distance=1.5, position=2, fuel_level=9, speed=50, world_y=-1)
    assert found == {
        **{"lap_number": 3, "lap_distance": 1.5, "position": 2, "fuel": 9, "speed": 50},
        **{"world_x": None, "world_y": -1},
    }


def test_litres_come_before_kilograms() -> None:
    assert plain(fuel_mass=7)["fuel"] == 7
    assert plain(fuel_mass=7, fuel_level=9)["fuel"] == 9


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 3e9, -3e9, 3.4e38])
def test_a_number_that_no_integer_holds_is_null_alone(odd: float) -> None:
    found = plain(lap_number=odd, position=4, speed=50)
    assert (found["lap_number"], found["position"], found["speed"]) == (None, 4, 50)


@given(st.lists(st.floats(width=32), min_size=len(rows.PLAIN) + 1, max_size=len(rows.PLAIN) + 1))
def test_no_number_breaks_a_row(values: list[float]) -> None:
    names = [*(set(rows.PLAIN) - {"fuel"}), "fuel_level", "fuel_mass"]
    for name, value in plain(**dict(zip(names, values, strict=True))).items():
        assert value is None or math.isfinite(value), name


@given(
    st.builds(dict, block=st.binary(max_size=400), frames=st.integers(0, MAX_FRAMES)),
    st.builds(dict, captured_ns=st.integers(0, 2**63 - 1), channels=st.binary(max_size=128)),
)
def test_any_chunk_is_a_row_or_corrupt(shape: dict[str, Any], more: dict[str, Any]) -> None:
    made = chunk(**shape, **more)
    try:
        encoded = rows.row(made)
    except CorruptChunkError:
        return
    assert fields(encoded)["block"] == made.block


def test_a_chunk_beyond_any_clock_is_corrupt() -> None:
    with pytest.raises(CorruptChunkError, match="beyond any clock"):
        rows.row(chunk(captured_ns=2**63 - 1))


def test_a_wrong_crc_is_corrupt() -> None:
    with pytest.raises(CorruptChunkError, match="crc"):
        rows.row(msgspec.structs.replace(chunk(), observed=b"x"))


def test_a_stream_of_rows_begins_and_ends_as_postgres_wants() -> None:
    encoded = rows.stream([b"row"])
    assert encoded.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"row")
    assert encoded.endswith(b"\xff\xff")
