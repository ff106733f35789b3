"""The pit wall's server."""

from typing import Annotated

from msgspec import Meta

from pitbox.settings.fields import Port, Text
from pitbox.settings.listener import Listener


class Gateway(Listener, frozen=True, forbid_unknown_fields=True):
    """Where the pit wall is served."""

    port: Annotated[Port, Meta(description="port to listen on")] = 8000
    names: Annotated[
        str, Meta(description="names that it is called by, by commas; loopback is always served")
    ] = ""
    proxies: Annotated[
        str,
        Meta(description="addresses of TLS proxies before it, by commas: only these are believed"),
    ] = ""
    keys: Annotated[
        Text, Meta(description="folder of the keys of access tokens, made if absent")
    ] = "~/.local/share/pitbox/gateway-keys"
    nats_url: Annotated[
        str,
        Meta(description="address of nats-server that drivers' PCs are told; empty: the same"),
    ] = ""
    audit_days: Annotated[
        int, Meta(ge=90, le=36_500, description="for so many days the audit log is kept")
    ] = 400
