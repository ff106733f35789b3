"""Sealed blocks of every version ever shipped are unsealed for ever, and no byte of them moves.

`python -m tests.contract.test_blocks` keeps the bytes of a version that has none yet.
"""

import struct
from pathlib import Path
from typing import Final

from pitbox.chunks import sealing
from pitbox.chunks.frames import pack, sealed
from pitbox.chunks.sealing import BLOCK_VERSION, Place
from schemas.channels import bitmap
from schemas.telemetry import Chunk
from tests.contract.samples import FOLDER

PLACE: Final[Place] = ("race-1", "ada", 1_795_570_842_639, 7)
CAPTURED_NS: Final = 1_795_570_842_639_867_870
NEWEST: Final = FOLDER / f"telemetry.block.{BLOCK_VERSION}.bin"


def sample() -> list[Chunk]:
    """Return chunks of uneven times and sizes, with negative and absent values and an event."""
    return [_chunk(number) for number in range(5)]


def _chunk(number: int) -> Chunk:
    session, driver, run, first = PLACE
    frames = [0, 3, 2, 4, 1][number]
    captured_ns = CAPTURED_NS + [0, 50_000_123, 99_999_001, 90_000_000, 160_000_000][number]
    rows = [
        struct.pack("<3f", -1.5 * number, float("nan"), 1e30 * frame) for frame in range(frames)
    ]
    made = Chunk(
        version=2,
        driver=driver,
        session=session,
        run=run,
        chunk=first + number,
        send=0,
        first_frame=21 + sum([0, 3, 2, 4, 1][:number]),
        frames=frames,
        captured_ns=captured_ns,
        channels=bitmap((1, 30, 110)),
        crc=0,
        block=pack([captured_ns + 16_666_000 * frame for frame in range(frames)], rows),
        observed=b"\x91\xa5event" if number in {0, 3} else b"",
    )
    return sealed(made)


def kept() -> list[Path]:
    """Return the files of all versions."""
    return sorted(FOLDER.glob("telemetry.block.*.bin"))


def test_blocks_that_were_kept_are_unsealed() -> None:
    assert NEWEST in kept()
    for path in kept():
        assert sealing.unseal(PLACE, path.read_bytes()) == sample(), path.name


def test_the_newest_bytes_match_the_current_layout() -> None:
    """The compression is left out: it may differ with lz4's version."""
    old = sealing.unlock(PLACE, NEWEST.read_bytes())
    new = sealing.unlock(PLACE, sealing.seal(sample()))
    assert old.raw == new.raw
    assert old.shape == new.shape


if __name__ == "__main__":
    NEWEST.write_bytes(sealing.seal(sample()))
