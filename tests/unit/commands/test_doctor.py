"""The doctor knows its own driver app from another program that has taken a game's port."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import doctor
from pitbox.folder_lock import folder_lock


@pytest.fixture
def taken() -> Iterator[int]:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_port_that_the_driver_app_uses_is_well(taken: int, tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        found = doctor.game_port(taken, "F1", drives=doctor.is_driving(tmp_path))
    assert found.well
    assert "`pitbox drive` runs" in found.detail


def test_a_port_that_another_program_uses_is_not_well(taken: int, tmp_path: Path) -> None:
    found = doctor.game_port(taken, "F1", drives=doctor.is_driving(tmp_path))
    assert not found.well
    assert "close the other program" in found.detail


def test_looking_leaves_no_trace(tmp_path: Path) -> None:
    assert not doctor.is_driving(tmp_path)
    assert not doctor.is_driving(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []
