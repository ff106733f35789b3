"""Room is low below 5 GB, on a small volume below a fifth; a trial write shows what else fails."""

from pathlib import Path

import pytest

from commands.hub.volume import SPARE, Volume, taken_bytes, takes_writes, volume

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("total_bytes", "free_bytes", "low"),
    [
        (1000 * GB, 5 * GB, False),
        (1000 * GB, 5 * GB - 1, True),
        (10 * GB, 2 * GB, False),
        (10 * GB, 2 * GB - 1, True),
        (10 * GB, 0, True),
        (0, 0, False),
    ],
)
def test_room_is_low_by_bytes_on_a_large_volume_and_by_share_on_a_small_one(
    total_bytes: int, free_bytes: int, low: bool
) -> None:
    assert Volume(total_bytes, free_bytes).is_low == low


def test_the_volume_of_an_absent_folder_is_that_of_its_nearest_parent(tmp_path: Path) -> None:
    assert volume(tmp_path / "a" / "b").total_bytes == volume(tmp_path).total_bytes > 0


def test_a_folder_has_taken_the_sizes_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "one").write_bytes(bytes(10))
    (tmp_path / "deep" / "two").write_bytes(bytes(32))
    assert (taken_bytes(tmp_path), taken_bytes(tmp_path / "absent")) == (42, 0)


def test_a_trial_leaves_no_file_and_needs_spare_room(tmp_path: Path) -> None:
    assert takes_writes(tmp_path, trial_bytes=1000)
    assert takes_writes(tmp_path / "absent", trial_bytes=1000)
    assert not takes_writes(tmp_path / "absent" / "deeper", trial_bytes=1000)
    assert not takes_writes(tmp_path, trial_bytes=volume(tmp_path).total_bytes // SPARE + 1)
    assert list(tmp_path.iterdir()) == []
