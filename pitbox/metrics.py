"""Metrics shared by every service, and the port that shows them.

One process has one registry and one port. Labels are few and never a session, run or person.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from pitbox.settings import Metrics, SettingsError

LATENCY_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)

messages = Counter("pitbox_messages", "messages read", ["consumer", "stream"])
message_bytes = Counter("pitbox_message_bytes", "bytes of messages read", ["consumer", "stream"])
published = Counter("pitbox_published", "events published", ["service", "route"])
dropped = Counter("pitbox_dropped", "messages or frames dropped", ["stage", "reason"])
decode_errors = Counter("pitbox_decode_errors", "messages that did not decode", ["route"])
dead_letters = Counter("pitbox_dead_letters", "messages given up on", ["consumer", "reason"])
not_kept = Counter(
    "pitbox_dead_letters_not_kept", "bad messages of who sends too many of them", ["consumer"]
)
redelivered = Counter("pitbox_redelivered", "messages seen again", ["consumer", "stream"])
stalls = Counter("pitbox_stalls", "pulls made anew for lack of progress", ["consumer", "stream"])
reapplied = Counter("pitbox_topology_reapplied", "times streams or durables were gone", ["service"])
connected = Gauge("pitbox_nats_connected", "1 while connected to nats-server", ["service"])
lag_s = Gauge(
    "pitbox_consumer_lag_seconds",
    "age of the last message when it was done",
    ["consumer", "stream"],
)
step_s = Histogram(
    "pitbox_batch_seconds", "time to handle a batch", ["consumer"], buckets=LATENCY_S
)


def serve(settings: Metrics) -> None:
    """Show this process's metrics at http://host:port/metrics, unless the port is 0.

    Raises SettingsError when it cannot listen there.
    """
    if not settings.port:
        return
    try:
        start_http_server(settings.port, addr=settings.host)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise SettingsError(
            f"PITBOX_METRICS__PORT: cannot listen on {place}: {error.strerror}"
        ) from None
