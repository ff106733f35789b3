"""Cases in which messages are repeated, reordered, damaged or forged on the way."""

import random
from typing import Any, Final

import msgspec

from schemas.telemetry import CHUNK_VERSION
from tests.faults.pace import Pace
from tests.faults.stack import SESSION, Stack
from tests.tools.servers import until

VERSION_FIELD: Final = 1
BLOCK_FIELD: Final = 12
SPOILT: Final = 20
NEWCOMER: Final = "NEWCOMER"

LETTERS: Final = "select payload from dead_letter where reason like $1"


def repeated_and_reordered(stack: Stack, pace: Pace) -> None:
    """All messages so far are sent again, twice, in random order."""
    stack.drives()
    stack.lasts(pace.drive_s + pace.away_s)
    until(stack.watch.received, "something came by")
    again = 2 * stack.watch.received()
    random.Random(1).shuffle(again)
    for subject, payload in again:
        stack.watch.publish(subject, payload)
    stack.watch.flush()
    stack.healed()


def undecodable(stack: Stack, pace: Pace) -> None:
    """Noise, torn chunks and damaged chunks are sent: all become dead letters."""
    stack.drives()
    stack.lasts(pace.drive_s)
    until(lambda: len(stack.watch.received()) >= SPOILT, "chunks came by")
    spoilt = [
        (subject, payload)
        for number, (subject, original) in enumerate(stack.watch.received()[-SPOILT:])
        for payload in (random.Random(number).randbytes(200), original[:-7], _damaged(original))
        if payload
    ]
    for subject, payload in spoilt:
        stack.watch.publish(subject, payload)
    stack.watch.flush()
    stack.healed()
    expected = sorted(payload for _, payload in spoilt)
    until(
        lambda: sorted(_dead_letters(stack, "%")) == expected,
        f"{len(expected)} spoilt messages are dead letters",
    )


def newer_version(stack: Stack, pace: Pace) -> None:
    """A newer PC sends a chunk that this hub cannot decode: a dead letter that a receipt counts."""
    stack.drives()
    stack.lasts(pace.drive_s)
    until(lambda: _chunks(stack), "a chunk came by")
    original = _chunks(stack)[0]
    newer: list[Any] = msgspec.msgpack.decode(original)
    newer[VERSION_FIELD] = CHUNK_VERSION + 1
    newer[VERSION_FIELD + 1] = NEWCOMER
    newer[VERSION_FIELD + 3 : VERSION_FIELD + 5] = [1, 0]
    payload = msgspec.msgpack.encode([*newer, "a field of the future"])
    subject = stack.topology.subject("telemetry.live", driver=NEWCOMER, session=SESSION)
    stack.watch.publish(subject, payload)
    stack.healed()
    until(
        lambda: _dead_letters(stack, "NewerVersion%") == [payload],
        "the newer chunk is a dead letter",
    )
    until(
        lambda: (receipt := stack.watch.receipts.get((NEWCOMER, 1))) and receipt.dead == 1,
        "the receipt counts the newer chunk",
    )


def _dead_letters(stack: Stack, reason: str) -> list[bytes]:
    return [row["payload"] for row in stack.database.rows(LETTERS, reason)]


def _chunks(stack: Stack) -> list[bytes]:
    return [payload for _, payload in stack.watch.received() if _is_chunk(payload)]


def _is_chunk(payload: bytes) -> bool:
    return isinstance(event := msgspec.msgpack.decode(payload), list) and len(event) > BLOCK_FIELD


def _damaged(original: bytes) -> bytes | None:
    """Return a chunk with one bit of its block flipped, None for another message."""
    if not _is_chunk(original):
        return None
    fields: list[Any] = msgspec.msgpack.decode(original)
    block = bytearray(fields[BLOCK_FIELD])
    block[len(block) // 2] ^= 1
    fields[BLOCK_FIELD] = bytes(block)
    return msgspec.msgpack.encode(fields)
