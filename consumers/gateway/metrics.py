"""Metrics of the gateway; those common to all services are in `pitbox.metrics`."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from pitbox import metrics as runtime_metrics

clients: Final = Gauge("pitbox_gateway_ws_clients", "connected pages")
backlog: Final = Gauge("pitbox_gateway_backlog", "messages queued for pages")
sent: Final = Counter("pitbox_gateway_frames_sent", "messages sent to pages")
dropped: Final = Counter("pitbox_gateway_frames_dropped", "messages dropped for slow pages")
encoded: Final = Counter("pitbox_gateway_frames_encoded", "frame messages encoded")
latency_s: Final = Histogram(
    "pitbox_e2e_latency_seconds",
    "from the first frame of a live chunk, by the hub's clock, to the sockets of the pages, s",
    ["stream"],
    buckets=runtime_metrics.LATENCY_S,
)
answer_s: Final = Histogram(
    "pitbox_gateway_telemetry_seconds",
    "time to answer a telemetry request, s",
    ["format"],
    buckets=runtime_metrics.LATENCY_S,
)
ended: Final = Counter(
    "pitbox_gateway_connections_ended",
    "connections ended by a limit: slow request, slow read, too many",
    ["reason"],
)
refused: Final = Counter(
    "pitbox_gateway_answers_refused", "answers refused because their visitor had no memory left"
)
hub_refuses: Final = Gauge(
    "pitbox_hub_refuses", "1 while a server of the hub runs and stores nothing", ["server"]
)
hub_free_bytes: Final = Gauge(
    "pitbox_hub_free_bytes", "free room of the fullest volume of the hub's servers"
)
hub_low_room: Final = Gauge("pitbox_hub_low_room", "1 while a volume of the hub is nearly full")
