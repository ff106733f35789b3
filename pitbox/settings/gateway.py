"""Settings of the gateway, which serves the pit wall."""

from typing import Annotated

from msgspec import Meta

from pitbox.settings.fields import Port, Text
from pitbox.settings.listener import Listener


class Gateway(Listener, frozen=True, forbid_unknown_fields=True):
    """Configure where and under which names the pit wall is served."""

    port: Annotated[Port, Meta(description="port to listen on")] = 8000
    names: Annotated[
        str,
        Meta(description="host names of the pit wall, comma-separated; loopback always works"),
    ] = ""
    proxies: Annotated[
        str,
        Meta(
            description="IP addresses or networks of TLS proxies before the gateway, "
            "comma-separated; only their X-Forwarded headers are used"
        ),
    ] = ""
    keys: Annotated[
        Text, Meta(description="folder of the keys that sign access tokens, made if absent")
    ] = "~/.local/share/pitbox/gateway-keys"
    nats_url: Annotated[
        str,
        Meta(
            description="nats-server's address for drivers' PCs, sent to them at enrolment; "
            "empty: PITBOX_NATS__URL"
        ),
    ] = ""
    audit_days: Annotated[
        int, Meta(ge=90, le=36_500, description="days for which the audit log is kept, 90 or more")
    ] = 400
