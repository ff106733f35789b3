"""Where a server of PitBox listens."""

from typing import Annotated

from msgspec import Meta, Struct

from pitbox.settings.fields import Text


class Listener(Struct, frozen=True, forbid_unknown_fields=True):
    """Where something listens, and with which certificate."""

    host: Annotated[Text, Meta(description="address to listen on; beyond loopback only by TLS")] = (
        "127.0.0.1"
    )
    certificate: Annotated[str, Meta(description="file of the TLS certificate, with its chain")] = (
        ""
    )
    certificate_key: Annotated[str, Meta(description="file of the certificate's key")] = ""
