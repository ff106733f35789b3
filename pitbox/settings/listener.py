"""Settings that every listener has."""

from typing import Annotated

from msgspec import Meta, Struct

from pitbox.settings.fields import Text


class Listener(Struct, frozen=True, forbid_unknown_fields=True):
    """Configure the address to listen on and its TLS certificate."""

    host: Annotated[
        Text, Meta(description="address to listen on; beyond loopback it needs TLS")
    ] = "127.0.0.1"
    certificate: Annotated[
        str, Meta(description="file of the TLS certificate with its chain, PEM")
    ] = ""
    certificate_key: Annotated[
        str, Meta(description="file of the certificate's private key, PEM")
    ] = ""
