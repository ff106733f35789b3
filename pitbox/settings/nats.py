"""The address of nats-server."""

from typing import Annotated

from msgspec import Meta

from pitbox.settings.address import NatsAddress
from pitbox.settings.fields import Text, check_value
from pitbox.settings.listener import Listener


class Nats(Listener, frozen=True, forbid_unknown_fields=True):
    """How to reach nats-server, and where it listens."""

    url: Annotated[
        Text, Meta(description="address of nats-server; beyond this machine it takes tls://")
    ] = "nats://127.0.0.1:4222"
    ca: Annotated[
        str, Meta(description="file of who signed its certificate; empty: whom the system trusts")
    ] = ""
    credentials: Annotated[
        str, Meta(description="file of this program's credentials, or folder with one for each")
    ] = ""
    monitor: Annotated[str, Meta(description="address of its monitoring port, if any")] = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an address that cannot be one, or is not safe."""
        check_value("PITBOX_NATS__URL", NatsAddress, self.url)
