"""Settings of nats-server and of connections to it."""

from typing import Annotated

from msgspec import Meta

from pitbox.settings.address import NatsAddress
from pitbox.settings.fields import Text, check_value
from pitbox.settings.listener import Listener


class Nats(Listener, frozen=True, forbid_unknown_fields=True):
    """Configure nats-server's address, authorities and credentials, and where it listens."""

    url: Annotated[
        Text, Meta(description="nats-server's address; beyond this machine it needs tls://")
    ] = "nats://127.0.0.1:4222"
    ca: Annotated[
        str,
        Meta(
            description="file of the authority that signed nats-server's certificate; empty: the "
            "system's authorities"
        ),
    ] = ""
    credentials: Annotated[
        str,
        Meta(description="credentials file of this program, or folder with one per program"),
    ] = ""

    def __post_init__(self) -> None:
        """Check the address; raises ValueError when it is malformed or not safe."""
        check_value("PITBOX_NATS__URL", NatsAddress, self.url)
