from pathlib import Path

import msgspec
import pytest

from commands.hub.storage import room_bytes
from commands.hub.volume import volume
from pitbox.nats.system import Storage
from pitbox.settings import Nats

TAKEN_BYTES = 10_000_000_000_000


def at(folder: str, taken_bytes: int = 0) -> Storage:
    """Return the storage of a nats-server whose streams are in a folder."""
    sent = {"config": {"store_dir": folder}, "storage": taken_bytes}
    return msgspec.convert(sent, Storage)


def test_the_room_of_streams_is_what_is_free_and_what_they_have_taken(tmp_path: Path) -> None:
    storage = at(str(tmp_path), TAKEN_BYTES)
    found = room_bytes(storage, Nats(url="tls://127.0.0.1:4222"))
    assert found is not None
    assert TAKEN_BYTES < found <= TAKEN_BYTES + volume(tmp_path).total_bytes


@pytest.mark.parametrize("url", ["tls://192.0.2.7:4222", "tls://hub.example:4222"])
def test_the_room_on_another_machine_is_unknown(tmp_path: Path, url: str) -> None:
    assert room_bytes(at(str(tmp_path)), Nats(url=url)) is None


@pytest.mark.parametrize("folder", ["", "/absent/folder"])
def test_the_room_of_a_folder_that_is_not_here_is_unknown(folder: str) -> None:
    assert room_bytes(at(folder), Nats(url="tls://127.0.0.1:4222")) is None
