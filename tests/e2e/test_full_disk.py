"""A stack on a disk that becomes full says so, and heals without a person."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from commands.hub.record import addresses
from commands.hub.supervisor import pitbox
from pitbox import topology
from tests.e2e.test_stack import plain_environment
from tests.tools.servers import until
from tests.tools.volume import filled, small_volume

VOLUME_BYTES = 400_000_000
STREAM_BYTES = "10MB"


@pytest.fixture
def streams(tmp_path: Path) -> Path:
    """Return a streams.yaml whose streams fit a small volume."""
    document = yaml.safe_load(topology.find().read_text())
    for stream in document["streams"].values():
        stream["max_bytes"] = STREAM_BYTES
    file = tmp_path / "streams.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


class Stack:
    """A `pitbox stack` process whose output goes to a file."""

    def __init__(self, folder: Path, log: Path, **environment: str) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                pitbox("stack", "--folder", str(folder)),
                stdout=out,
                stderr=out,
                env=plain_environment() | environment,
            )

    @property
    def output(self) -> str:
        """Return everything that the stack printed."""
        return self._log.read_text(errors="replace")

    def says(self, *words: str) -> bool:
        """Return whether the stack has printed all of some words."""
        assert self.process.poll() is None, self.output
        return all(word in self.output for word in words)


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    with small_volume(tmp_path / "volume", VOLUME_BYTES) as mounted:
        yield mounted


def test_a_full_disk_is_said_and_the_servers_store_again_afterwards(
    volume: Path, streams: Path, tmp_path: Path
) -> None:
    folder = volume / ".pitbox"
    stack = Stack(folder, tmp_path / "stack.log", PITBOX_STREAMS=str(streams))
    try:
        until(lambda: stack.says() and addresses(folder) is not None, "the stack is ready")
        with filled(volume):
            until(lambda: stack.says("nats stores nothing", "make room there"), "nats is said")
            until(lambda: stack.says("postgres stores nothing"), "Postgres is said")
            assert not stack.says("restarts: it stores nothing")
        until(lambda: stack.says("nats stores again"), "nats-server stores again")
        until(lambda: stack.says("postgres stores again"), "Postgres stores again")
        assert stack.output.count("nats stores nothing") == 1
    finally:
        stack.process.terminate()
        stack.process.wait(60)


def test_a_volume_that_can_never_hold_the_streams_is_refused(volume: Path, tmp_path: Path) -> None:
    stack = Stack(volume / ".pitbox", tmp_path / "stack.log")
    assert stack.process.wait(60) == 2
    assert "their volume has room for 0.4 GB" in stack.output
    assert "lower max_bytes in streams.yaml" in stack.output
