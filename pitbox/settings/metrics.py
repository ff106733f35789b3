"""Settings of the metrics endpoint."""

from typing import Annotated

from msgspec import Meta

from pitbox.settings.fields import Port
from pitbox.settings.listener import Listener
from schemas.text import text


class Metrics(Listener, frozen=True, forbid_unknown_fields=True):
    """Configure where a process serves Prometheus metrics."""

    port: Annotated[Port, Meta(description="port to listen on; 0: no metrics")] = 0
    token: Annotated[
        str,
        text(
            r"([!-~]{16,})?",
            "16 characters or more, without blanks",
            description="bearer token for reading metrics, 16 characters or more, needed beyond "
            "loopback; better kept in a file, named by PITBOX_METRICS__TOKEN_FILE",
        ),
    ] = ""
