"""Believe a row of the spool only when its chunk agrees with it. Pure."""

from typing import Final

import msgspec
from msgspec import Struct

from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.frames import HEADLESS, check_crc
from pitbox.chunks.ranges import Ranges
from producers.spool.ledger import RunKey, key_of
from schemas.telemetry import CHUNK_VERSION, Chunk, ChunkNumber

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError)

_decode: Final = msgspec.msgpack.Decoder(Chunk).decode


class RottenError(Exception):
    """Report a row whose bytes are not those of a chunk that was written."""


class MisplacedError(Exception):
    """Report an intact chunk under the name of another one: the table around it is damaged."""


class Reading(Struct, frozen=True):
    """Hold chunks of a run, in order, and those of the range read that are lost, with the reason.

    `rotten` counts those of the lost that were in the file.
    """

    chunks: tuple[Chunk, ...] = ()
    lost: Ranges = ()
    reason: str = ""
    rotten: int = 0


def intact(encoded: bytes, number: ChunkNumber) -> Chunk:
    """Return the chunk in a row that stands under a number, which only version 1 has to match.

    The crc of version 1 does not cover the chunk's own number. Raises RottenError.
    """
    try:
        chunk = _decode(encoded)
        check_crc(chunk)
    except (*UNDECODABLE, CorruptChunkError) as error:
        raise RottenError(str(error)) from None
    if chunk.version > CHUNK_VERSION:
        raise RottenError(f"version {chunk.version} of a chunk, this app reads {CHUNK_VERSION}")
    if chunk.version == HEADLESS and chunk.chunk != number:
        raise RottenError(f"chunk {number} of the spool states the number {chunk.chunk}")
    return chunk


def chunk_of(encoded: bytes, number: ChunkNumber, key: RunKey) -> Chunk:
    """Return the chunk in a row that stands under a number and in a run.

    Raises RottenError or MisplacedError. A misplaced chunk of version 1 counts as rotten.
    """
    chunk = intact(encoded, number)
    if chunk.chunk == number and key_of(chunk) == key:
        return chunk
    kind = RottenError if chunk.version == HEADLESS else MisplacedError
    raise kind(f"chunk {number} of run {key.run} states to be {chunk.chunk} of {chunk.run}")
