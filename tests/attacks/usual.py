"""An ordinary hub: one account for everybody, no restricted permissions, every listener open."""

import time
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from pitbox import topology
from pitbox.identity import claims, jwt
from pitbox.identity.authority import (
    HUB,
    HUB_SIGNER,
    OPERATOR_SIGNER,
)
from pitbox.identity.credentials import Credentials
from pitbox.identity.folder import KeyFolder
from pitbox.identity.nkeys import KeyPair, Kind
from tests.tools.servers import NatsServer, free_port

LISTENERS: Final = (
    'leafnodes {{ listen: "127.0.0.1:{port}" }}',
    'websocket {{ listen: "127.0.0.1:{port}", no_tls: true }}',
    'mqtt {{ listen: "127.0.0.1:{port}" }}',
)
AMONG_OTHERS: Final = (
    'cluster {{ name: pitbox, listen: "127.0.0.1:{port}" }}',
    'gateway {{ name: pitbox, listen: "127.0.0.1:{port}" }}',
)
"""What a nats-server that is alone opens only without JetStream."""

ALL_ALLOWED: Final = dict.fromkeys(
    ("allow_rollup_hdrs", "allow_msg_ttl", "allow_msg_schedules", "allow_atomic"), True
)
"""What a stream of a usual hub obeys when a header asks for it."""


class UsualServer(NatsServer):
    """A nats-server whose hub accepts leaf nodes and keeps unanswered requests without limit."""

    listeners = LISTENERS

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.monitor_port = free_port()
        keys = KeyFolder(self.keys)
        hub = keys.pair(HUB, Kind.ACCOUNT).public
        signer = keys.pair(HUB_SIGNER, Kind.ACCOUNT).public
        about = claims.hub(hub, signer, topology.load())
        about["nats"]["limits"]["leaf"] = -1
        for export in about["nats"]["exports"]:
            export.pop("response_threshold", None)
        loose = jwt.signed(about, keys.pair(OPERATOR_SIGNER, Kind.OPERATOR), at_s=int(time.time()))
        self.trust = replace(self.trust, accounts=self.trust.accounts | {hub: loose})

    def command(self) -> list[str]:
        """Return the command line."""
        command = super().command()
        config = Path(command[-1])
        text = config.read_text().replace("max_payload: 1048576", "max_payload: 8MB")
        text += f'http: "0.0.0.0:{self.monitor_port}"\n'
        opened = (line.format(port=free_port()) for line in self.listeners)
        config.write_text("\n".join([text, *opened, ""]))
        return command

    def user(self, name: str) -> Path:
        """Return the credentials of a user of the hub's account with all permissions."""
        return self._anybody(name, HUB, HUB_SIGNER)

    def _anybody(self, name: str, account: str, signer: str) -> Path:
        file = self.keys / "anybody" / f"{name}-{account}.creds"
        keys, pair = KeyFolder(self.keys), KeyPair.new(Kind.USER)
        about: dict[str, Any] = {
            **{"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1},
            "issuer_account": keys.pair(account, Kind.ACCOUNT).public,
        }
        wanted = {"name": name, "sub": pair.public, "nats": about}
        token = jwt.signed(wanted, keys.pair(signer, Kind.ACCOUNT), at_s=int(time.time()))
        Credentials(token, pair).write(file)
        return file


class ClusteredServer(UsualServer):
    """A nats-server with listeners for a cluster."""

    listeners = AMONG_OTHERS

    def command(self) -> list[str]:
        """Return the command line."""
        command = super().command()
        config = Path(command[-1])
        head, rest = config.read_text().split("jetstream {", 1)
        config.write_text(head + rest.split("}\n", 1)[1])
        return command
