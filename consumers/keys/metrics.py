"""Metrics of the signing service; those common to all services are in `pitbox.metrics`."""

from typing import Final

from prometheus_client import Counter, Gauge

shut_out: Final = Counter("pitbox_keys_shut_out", "suspensions of drivers for sending too much")
out_now: Final = Gauge("pitbox_keys_out_now", "drivers suspended now")
