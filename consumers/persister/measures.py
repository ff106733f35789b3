"""What the persister counts, beside what every service counts (`pitbox.metrics`)."""

import time
from collections.abc import Iterable
from typing import Final

from prometheus_client import Counter, Histogram

from consumers.persister.letters import CONSUMER, kind
from pitbox import logs, metrics
from pitbox.nats.delivery import Delivery
from schemas.dead import DeadLetter

rows: Final = Counter("pitbox_persister_rows", "rows written", ["table"])
frames: Final = Counter("pitbox_persister_frames", "frames read, also those seen before")
duplicates: Final = Counter("pitbox_persister_duplicates", "chunks that Postgres had already")
commit_s: Final = Histogram(
    "pitbox_persister_commit_seconds",
    "time to commit a batch, retries included",
    ["stream"],
    buckets=metrics.LATENCY_S,
)

log = logs.get(CONSUMER)


def count_letters(letters: Iterable[DeadLetter]) -> None:
    """Count dead letters by kind and log each."""
    for letter in letters:
        metrics.dead_letters.labels(CONSUMER, kind(letter)).inc()
        log.warning(
            "dead letter",
            stream=letter.stream,
            sequence=letter.sequence,
            reason=letter.reason[:200],
        )


def done(last: Delivery) -> None:
    """Show how old the last message was when it was done."""
    age_s = max(0.0, time.time() - last.stored_ns / 1e9)
    metrics.lag_s.labels(CONSUMER, last.stream).set(age_s)
