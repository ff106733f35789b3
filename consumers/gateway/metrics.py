"""What the gateway counts, beside what every service counts (`pitbox.metrics`)."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from pitbox import metrics as runtime_metrics

clients: Final = Gauge("pitbox_gateway_ws_clients", "pages that are connected")
backlog: Final = Gauge("pitbox_gateway_backlog", "messages that wait for slow pages")
sent: Final = Counter("pitbox_gateway_frames_sent", "messages sent to pages")
dropped: Final = Counter("pitbox_gateway_frames_dropped", "messages that pages were too slow for")
encoded: Final = Counter("pitbox_gateway_frames_encoded", "messages of frames encoded")
latency_s: Final = Histogram(
    "pitbox_e2e_latency_seconds",
    "from the first frame of a live chunk, by the hub's clock, to the queues of the pages",
    ["stream"],
    buckets=runtime_metrics.LATENCY_S,
)
answer_s: Final = Histogram(
    "pitbox_gateway_telemetry_seconds",
    "time to answer a question for telemetry",
    ["format"],
    buckets=runtime_metrics.LATENCY_S,
)
