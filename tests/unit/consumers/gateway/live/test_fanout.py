"""Which client receives which frames."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway.live.fanout import Choice, Fanout, choice
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.frames import pack, sealed
from schemas.channels import CHANNELS, bitmap, ids
from schemas.telemetry import Chunk
from schemas.wall import Frames, Subscribe, ToPage

START_NS = 1_700_000_000_000_000_000
STEP_NS = 16_000_000
NAMES = [channel.name for channel in CHANNELS]

decode = msgspec.msgpack.Decoder(ToPage).decode


def chunk(
    rows: np.ndarray, channels: tuple[int, ...], driver: str = "ada", session: str = "spa"
) -> Chunk:
    times = [START_NS + STEP_NS * frame for frame in range(len(rows))]
    block = pack(times, [row.astype("<f4").tobytes() for row in rows])
    made = Chunk(
        version=1,
        driver=driver,
        session=session,
        run=1,
        chunk=5,
        send=9,
        first_frame=15,
        frames=len(rows),
        captured_ns=START_NS,
        channels=bitmap(channels),
        crc=0,
        block=block,
    )
    return sealed(made)


def speeds(driver: str = "ada", session: str = "spa") -> Chunk:
    return chunk(np.array([[1.0, 50.0], [1.0, 51.0]]), ids("lap_number", "speed"), driver, session)


def wish(*channels: str, session: str = "spa", drivers: tuple[str, ...] = ()) -> Choice:
    return choice(Subscribe(session=session, drivers=drivers, channels=channels))


def test_an_unknown_channel_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="no channel 'sped'"):
        wish("speed", "sped")


@given(
    given_ids=st.sets(st.sampled_from(range(len(NAMES))), min_size=1, max_size=12).map(sorted),
    chosen=st.lists(st.sampled_from(NAMES), min_size=1, max_size=12, unique=True),
    frames=st.integers(1, 6),
)
def test_a_client_receives_its_channels_in_its_own_order(
    given_ids: list[int], chosen: list[str], frames: int
) -> None:
    rows = np.arange(frames * len(given_ids), dtype=np.float32).reshape(frames, -1)
    fanout: Fanout[str] = Fanout()
    fanout.choose("page", wish(*chosen))
    [(message, clients)] = fanout.frames(chunk(rows, tuple(given_ids)), late=False)
    seen = decode(message)
    expected = [name for name in chosen if NAMES.index(name) in given_ids]
    columns = [given_ids.index(NAMES.index(name)) for name in expected]
    assert clients == ["page"]
    assert isinstance(seen, Frames)
    assert seen.channels == tuple(expected)
    assert np.frombuffer(seen.rows, "<f4").tolist() == rows[:, columns].ravel().tolist()
    times_ms = np.frombuffer(seen.times, "<f8")
    assert times_ms.tolist() == [(START_NS + STEP_NS * frame) / 1e6 for frame in range(frames)]
    assert (seen.run, seen.chunk, seen.first_frame, seen.late) == (1, 5, 15, False)


def test_clients_with_the_same_selection_share_one_message() -> None:
    fanout: Fanout[int] = Fanout()
    for client in range(200):
        fanout.choose(client, wish("speed"))
    fanout.choose(200, wish("speed", "lap_number"))
    messages = fanout.frames(speeds(), late=True)
    assert [len(clients) for _, clients in messages] == [200, 1]
    assert all(decode(message).late for message, _ in messages)


def test_only_selected_sessions_and_drivers_are_shown() -> None:
    fanout: Fanout[str] = Fanout()
    fanout.choose("all of spa", wish("speed"))
    fanout.choose("bob at spa", wish("speed", drivers=("bob",)))
    fanout.choose("monza", wish("speed", session="monza"))

    def seers(seen: Chunk) -> set[str]:
        return {client for _, clients in fanout.frames(seen, late=False) for client in clients}

    assert seers(speeds()) == {"all of spa"}
    assert seers(speeds("bob")) == {"all of spa", "bob at spa"}
    assert seers(speeds("bob", "monza")) == {"monza"}
    assert fanout.sessions == {"spa", "monza"}


def test_a_new_selection_replaces_the_previous_and_a_removed_client_receives_nothing() -> None:
    fanout: Fanout[str] = Fanout()
    fanout.choose("page", wish("speed"))
    fanout.frames(speeds(), late=False)
    fanout.choose("page", wish("lap_number"))
    [(message, _)] = fanout.frames(speeds(), late=False)
    assert decode(message).channels == ("lap_number",)
    fanout.leave("page")
    assert fanout.frames(speeds(), late=False) == []


def test_a_chunk_without_watchers_is_not_unpacked() -> None:
    fanout: Fanout[str] = Fanout()
    broken = msgspec.structs.replace(speeds(), crc=1)
    assert fanout.frames(broken, late=False) == []
    fanout.choose("page", wish("speed"))
    with pytest.raises(CorruptChunkError):
        fanout.frames(broken, late=False)
