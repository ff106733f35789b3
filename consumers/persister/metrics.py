"""Metrics of the persister; those common to all services are in `pitbox.metrics`."""

import time
from typing import Final

from prometheus_client import Counter, Histogram

from consumers.persister import CONSUMER
from pitbox import metrics as runtime_metrics
from pitbox.service.batch import Collected

rows: Final = Counter("pitbox_persister_rows", "rows written", ["table"])
frames: Final = Counter("pitbox_persister_frames", "frames read, repeated ones included")
duplicates: Final = Counter("pitbox_persister_duplicates", "chunks that were stored already")
sealed: Final = Counter("pitbox_persister_sealed", "chunks that were sealed into blocks")
commit_s: Final = Histogram(
    "pitbox_persister_commit_seconds",
    "time to commit a batch, retries included",
    ["stream"],
    buckets=runtime_metrics.LATENCY_S,
)


def show_batch(batch: Collected, seconds: float) -> None:
    """Observe the time to commit a batch, and the age of its last message."""
    last = batch.deliveries[-1]
    commit_s.labels(last.stream).observe(seconds)
    age_s = max(0.0, time.time() - last.stored_ns / 1e9)
    runtime_metrics.lag_s.labels(CONSUMER, last.stream).set(age_s)
