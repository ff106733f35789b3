"""Metrics shared by every service, and the HTTP port that serves them.

Each process has one registry and one port. Labels are few and never a session, run or person.
"""

import hmac
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from pitbox.settings import Metrics, SettingsError
from pitbox.settings.address import is_loopback
from pitbox.tls import listening

ANSWER_S: Final = 5.0
LATENCY_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)

messages = Counter("pitbox_messages", "messages read", ["consumer", "stream"])
message_bytes = Counter("pitbox_message_bytes", "bytes of messages read", ["consumer", "stream"])
published = Counter("pitbox_published", "events published", ["service", "route"])
dropped = Counter("pitbox_dropped", "messages or frames dropped", ["stage", "reason"])
chunks_behind = Gauge("pitbox_chunks_behind", "stored chunks that facts lack", ["consumer"])
chunks_left_out = Counter(
    "pitbox_chunks_left_out", "stored chunks on which no facts rest", ["consumer"]
)
sessions_behind = Gauge(
    "pitbox_sessions_behind",
    "drivers' sessions whose facts rest on older facts of another service",
    ["consumer"],
)
not_derived = Counter(
    "pitbox_facts_not_derived", "times that a session was set aside by an error", ["consumer"]
)
facts_written = Counter("pitbox_facts_written", "facts written to Postgres", ["consumer"])
unpublished = Counter("pitbox_unpublished_facts", "facts given up unpublished", ["consumer"])
damaged_blocks = Counter(
    "pitbox_damaged_blocks", "times that a damaged block of sealed telemetry was read"
)
decode_errors = Counter("pitbox_decode_errors", "messages that did not decode", ["route"])
dead_letters = Counter(
    "pitbox_dead_letters", "messages that became dead letters", ["consumer", "reason"]
)
expired = Counter("pitbox_expired", "decisions dropped because they expired", ["consumer"])
not_kept = Counter(
    "pitbox_dead_letters_not_kept",
    "messages dropped because their sender's ration of dead letters is used up",
    ["consumer"],
)
redelivered = Counter("pitbox_redelivered", "messages delivered again", ["consumer", "stream"])
stalls = Counter(
    "pitbox_stalls", "attachments repeated for lack of progress", ["consumer", "stream"]
)
reapplied = Counter(
    "pitbox_topology_reapplied",
    "times that missing streams or durables were recreated",
    ["service"],
)
connected = Gauge("pitbox_nats_connected", "1 while connected to nats-server", ["service"])
lag_s = Gauge(
    "pitbox_consumer_lag_seconds",
    "age of the last message when it was processed",
    ["consumer", "stream"],
)
unstored_s = Gauge(
    "pitbox_consumer_unstored_seconds",
    "time for which the batch in work has waited for its commit, 0 between batches",
    ["consumer", "stream"],
)
step_s = Histogram(
    "pitbox_batch_seconds", "time to handle a batch", ["consumer"], buckets=LATENCY_S
)


def serve(settings: Metrics) -> None:
    """Serve this process's metrics at http://host:port/metrics, unless the port is 0.

    Raises SettingsError when the port cannot be opened, or when another machine could read metrics
    without TLS or without a token.
    """
    if not settings.port:
        return
    context = listening.check("METRICS", settings)
    if not is_loopback(settings.host) and not settings.token:
        raise SettingsError(
            f"PITBOX_METRICS__TOKEN: other machines reach {settings.host}: set the token that "
            "readers of metrics send, or PITBOX_METRICS__TOKEN_FILE to a file that holds it"
        )
    try:
        server = _server(settings, context)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise SettingsError(
            f"PITBOX_METRICS__PORT: cannot listen on {place}: {error.strerror}"
        ) from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _Handler(WSGIRequestHandler):
    """Serve a request without an access log."""

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class _Server(ThreadingWSGIServer):
    """Do the TLS handshake in the thread of each client, so a silent client blocks no other."""

    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Handle one request."""
        request.settimeout(ANSWER_S)
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that speak another protocol or disconnect."""


def _server(settings: Metrics, tls: ssl.SSLContext | None) -> _Server:
    class Server(_Server):
        address_family = socket.getaddrinfo(settings.host, None)[0][0]
        context = tls

    app = _guarded(settings.token) if settings.token else make_wsgi_app()
    return make_server(settings.host, settings.port, app, Server, _Handler)


def _guarded(token: str) -> Callable[..., Any]:
    """Return the app that serves metrics to requests with the token."""
    metrics_app, expected = make_wsgi_app(), f"Bearer {token}".encode()

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if hmac.compare_digest(environ.get("HTTP_AUTHORIZATION", "").encode(), expected):
            return metrics_app(environ, start)
        start("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain")])
        return [b"Send Authorization: Bearer and the token of PITBOX_METRICS__TOKEN.\n"]

    return app
