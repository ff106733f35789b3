"""Metrics shared by every service, and the port that shows them.

One process has one registry and one port. Labels are few and never a session, run or person.
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
decode_errors = Counter("pitbox_decode_errors", "messages that did not decode", ["route"])
dead_letters = Counter("pitbox_dead_letters", "messages given up on", ["consumer", "reason"])
expired = Counter("pitbox_expired", "decisions dropped because they came too late", ["consumer"])
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

    Raises SettingsError when it cannot listen there, or would be read from elsewhere in clear or
    by anybody.
    """
    if not settings.port:
        return
    context = listening.check("METRICS", settings)
    if not is_loopback(settings.host) and not settings.token:
        raise SettingsError(
            f"PITBOX_METRICS__TOKEN: {settings.host} is reached from elsewhere: set what those say "
            "who may read metrics, or PITBOX_METRICS__TOKEN_FILE to a file that holds it"
        )
    try:
        server = _server(settings, context)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise SettingsError(
            f"PITBOX_METRICS__PORT: cannot listen on {place}: {error.strerror}"
        ) from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _Page(WSGIRequestHandler):
    """Answer without a word about it."""

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class _Server(ThreadingWSGIServer):
    """Greet each client in the thread that answers it, so that a silent one keeps nobody out."""

    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer one request."""
        request.settimeout(ANSWER_S)
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as secret:
            super().finish_request(secret, client_address)

    def handle_error(self, *_: Any) -> None:
        """Leave a client alone that speaks something else, or left."""


def _server(settings: Metrics, tls: ssl.SSLContext | None) -> _Server:
    class Server(_Server):
        address_family = socket.getaddrinfo(settings.host, None)[0][0]
        context = tls

    shown = _guarded(settings.token) if settings.token else make_wsgi_app()
    return make_server(settings.host, settings.port, shown, Server, _Page)


def _guarded(token: str) -> Callable[..., Any]:
    """Return the page of metrics for who says the token."""
    page, right = make_wsgi_app(), f"Bearer {token}".encode()

    def shown(asked: dict[str, Any], start: Callable[..., Any]) -> Any:
        if hmac.compare_digest(asked.get("HTTP_AUTHORIZATION", "").encode(), right):
            return page(asked, start)
        start("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain")])
        return [b"Say Authorization: Bearer and the token of PITBOX_METRICS__TOKEN.\n"]

    return shown
