import asyncio

import pytest

from producers.source import Began, Frame, SourceError
from producers.sources.inbox import Inbox
from producers.sources.iracing import live
from producers.sources.iracing.ticks import Tick
from tests.tools.iracing_sdk import FakeSdk, read, row


def test_a_row_is_read_once_however_often_it_is_polled() -> None:
    items = read(FakeSdk([row(1.0), row(1.0), row(1.1)]), polls=5)
    assert [type(item) for item in items] == [Began, Frame, Frame]


def test_live_variables_become_the_same_channels_as_those_of_a_file() -> None:
    [began, frame] = read(FakeSdk([row(1.0)]), polls=1)
    by_channel = dict(zip(began.channels, frame.values, strict=True))
    assert by_channel[13] == 0.75
    assert by_channel[24] == 400_000
    assert by_channel[31] == 30


def test_without_a_position_the_velocity_is_integrated() -> None:
    rows = [row(n / 60, Yaw=0.0, Pitch=0.1) for n in range(1, 62)]
    items = read(FakeSdk(rows), polls=61)
    [began, *frames] = items
    x = began.channels.index(41)
    assert frames[-1].values[x] == pytest.approx(30, abs=0.01)


def test_an_official_session_of_the_sim_names_the_session() -> None:
    info = {"WeekendInfo": {"SubSessionID": 77, "TrackDisplayName": "Spa"}}
    began = read(FakeSdk([row(1.0)], info), polls=1)[0]
    assert (began.session, began.opened.track) == ("iracing-77-0", "Spa")
    assert read(FakeSdk([row(1.0)]), polls=1)[0].session == ""


def test_the_error_for_a_missing_variable_names_it() -> None:
    bare = row(1.0)
    del bare["LapDistPct"]
    with pytest.raises(SourceError, match="LapDistPct"):
        read(FakeSdk([bare]), polls=1)


async def test_the_reader_passes_ticks_on_from_its_own_thread() -> None:
    inbox = Inbox()
    sdk = FakeSdk([row(n / 60) for n in range(1, 10)])
    reader = live.Reader(sdk, inbox.put)
    reader.start()
    async with asyncio.timeout(5):
        arrived = [await inbox.take() for _ in range(3)]
    reader.close()
    assert all(isinstance(item, Tick) for item in arrived)
    assert not sdk.is_initialized


async def test_reading_the_sim_needs_windows() -> None:
    with pytest.raises(SourceError, match="needs Windows"):
        live.open_reader(Inbox(), system="Linux")


def test_session_info_that_the_library_cannot_parse_is_read_line_by_line() -> None:
    sdk = FakeSdk([row(1.0)])
    sdk.raw = {
        "WeekendInfo": b"WeekendInfo:\n TrackDisplayName: Spa\n SubSessionID: 77\n",
        "DriverInfo": b"DriverInfo:\n DriverCarIdx: 1\n DriverSetupName: a\n b: [\n Drivers:\n"
        b' - CarIdx: 1\n   CarNumber: "7"\n',
    }
    began = read(sdk, polls=1)[0]
    assert (began.session, began.opened.track, began.opened.car) == ("iracing-77-0", "Spa", "7")
