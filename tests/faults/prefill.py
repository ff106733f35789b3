"""Fill a spool with a long backlog without driving it."""

import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Final

import msgspec

from producers.chunker import Chunker
from producers.sources.sim import Race, drive
from producers.spool.disk import Spool
from producers.spool.keeper import opened
from producers.spool.ledger import RunKey
from producers.spool.record import Record
from schemas.telemetry import Chunk
from tests.faults.programs import Driver
from tests.faults.stack import Stack

FRAMES_PER_S: Final = 60
AT_ONCE: Final = 2000
ENOUGH_BYTES: Final = 10**9

_encode: Final = msgspec.msgpack.Encoder().encode


def driven(stack: Stack, seconds: int) -> Driver:
    """Return a PC whose backlog of so many seconds, and a run after it, are in Postgres."""
    car = stack.driver()
    car.connects_to(stack.nats.url)
    fill(car, seconds)
    car.start()
    stack.fills(car.committed(), "Postgres has the backlog")
    car.finish()
    stack.fills(car.committed(), "Postgres has the drive")
    return car


def fill(car: Driver, seconds: int, *, run: int | None = None) -> None:
    """Write a backlog into the spool of a driver's PC, and into its ledger."""
    now_s = time.time()
    began_ns = int((now_s - seconds) * 1e9)
    number = began_ns // 1_000_000 if run is None else run
    chunks = _chunks(car, number, began_ns, seconds * FRAMES_PER_S)
    with (
        opened(car.spool, max_bytes=ENOUGH_BYTES, max_age_h=1000) as kept,
        car.ledger.open("a") as ledger,
    ):
        record = Record(ledger)
        while part := list(islice(chunks, AT_ONCE)):
            first = part[0]
            key = RunKey(first.session, first.driver, first.run)
            record.made(part)
            encoded = [_encode(chunk) for chunk in part]
            kept.work(
                partial(Spool.append, key=key, first=first.chunk, encoded=encoded, now_s=now_s)
            )
            record.kept(part)


def _chunks(car: Driver, run: int, began_ns: int, frames: int) -> Iterator[Chunk]:
    chunker = Chunker(
        car.environment["PITBOX_DRIVER__NAME"],
        run,
        chunk_ms=50,
        session=car.environment["PITBOX_DRIVER__SESSION"],
    )
    for observation in islice(drive(Race(), began_ns), frames):
        yield from chunker.feed(observation)
    yield from chunker.flush()
