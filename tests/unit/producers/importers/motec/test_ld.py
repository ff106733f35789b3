import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.importers.motec.ld import Logged, read_log
from producers.source import SourceError
from tests.tools.ld_file import CHANNEL_BYTES, HEADER_BYTES, Channel, file

SPEED = Channel("Ground Speed", "km/h", 10, [360, 720], "h", decimals=1)


def test_a_value_is_scaled_by_scale_decimals_shift_and_multiplier() -> None:
    content = file(Channel("Engine RPM", "rpm", 10, [20, 30], "h", 5, 6, 10, -1))
    [channel] = read_log(content, "a.ld").channels
    assert channel.read(content, 0, 2) == pytest.approx([(20 + 5) * 6, (30 + 5) * 6])


@pytest.mark.parametrize("code", ["h", "i", "f"])
def test_samples_may_be_integers_of_two_sizes_or_floats(code: str) -> None:
    content = file(Channel("Gear", "", 10, [1, -2, 3], code))
    [channel] = read_log(content, "a.ld").channels
    assert channel.read(content, 1, 3) == [-2, 3]


def test_the_header_names_vehicle_venue_and_start() -> None:
    log = read_log(file(SPEED), "a.ld")
    assert (log.vehicle, log.venue) == ("11A", "Calder")
    assert log.started_ns == 1_132_739_580_000_000_000
    assert log.lasts_s == pytest.approx(0.2)


@pytest.mark.parametrize(("date", "time"), [("", ""), ("31/02/2005", "09:00:00"), ("x", "y")])
def test_a_header_without_a_date_has_no_start(date: str, time: str) -> None:
    assert read_log(file(SPEED, date=date, time=time), "a.ld").started_ns is None


@pytest.mark.parametrize(
    "channel",
    [
        Channel("Without Rate", "", 0, [1]),
        Channel("Without Samples", "", 10, []),
        Channel("Without Scale", "", 10, [1], scale=0),
        Channel("Without End", "", 10, [1], decimals=-300),
    ],
    ids=lambda channel: channel.name,
)
def test_a_channel_that_cannot_be_read_is_named(channel: Channel) -> None:
    log = read_log(file(SPEED, channel), "a.ld")
    assert [one.name for one in log.channels] == ["Ground Speed"]
    assert log.unreadable == (channel.name,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"@\0\0\0", "too short"),
        (b"\1" + file(SPEED)[1:], "not a MoTeC log"),
        (file(), "no channel with samples"),
        (file(SPEED)[:-2], "cut short or damaged: the samples of Ground Speed"),
        (file(SPEED)[: HEADER_BYTES + 20], "cut short: a channel is described"),
        (file(Channel("Gear", "", 1, [0] * (48 * 3600 + 1), "h")), "at most 172800"),
    ],
)
def test_a_damaged_log_is_refused_in_one_sentence(content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_log(content, "a.ld")


def test_a_chain_of_channels_that_is_a_circle_is_refused() -> None:
    content = bytearray(file(SPEED, SPEED))
    struct.pack_into("<I", content, HEADER_BYTES + CHANNEL_BYTES + 4, HEADER_BYTES)
    with pytest.raises(SourceError, match="has no end"):
        read_log(bytes(content), "a.ld")


@given(st.data())
def test_any_damage_gives_an_error_or_samples_that_can_be_read(data: st.DataObject) -> None:
    content = bytearray(file(SPEED, Channel("Gear", "", 2, [1, 2, 3], "i")))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.sampled_from([*range(0x20), *range(HEADER_BYTES, len(content))]))
        content[at] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        channels: tuple[Logged, ...] = read_log(cut, "a.ld").channels
    except SourceError:
        return
    for channel in channels:
        assert len(channel.read(cut, 0, channel.samples)) == channel.samples
