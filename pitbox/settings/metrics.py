"""The page of metrics."""

from typing import Annotated

from msgspec import Meta

from pitbox.settings.fields import Port
from pitbox.settings.listener import Listener
from schemas.text import text


class Metrics(Listener, frozen=True, forbid_unknown_fields=True):
    """Where a process shows its metrics."""

    port: Annotated[Port, Meta(description="port to listen on, 0 for none")] = 0
    token: Annotated[
        str,
        text(
            r"([!-~]{16,})?",
            "16 characters or more, without blanks",
            description="who reads them says this as Bearer, 16 characters or more; best by "
            "TOKEN_FILE; beyond loopback it has to be set",
        ),
    ] = ""
