"""Ask nats-server about itself over its system account."""

from pathlib import Path
from typing import Final

import msgspec
import nats.errors
from msgspec import Struct

from pitbox.identity.authority import CLAIMS
from pitbox.identity.credentials import file_of
from pitbox.nats.connection import BusDown, Connection
from pitbox.settings import Nats

ANSWER_S: Final = 2.0
HEALTH: Final = "$SYS.REQ.SERVER.PING.HEALTHZ"
JETSTREAM: Final = "$SYS.REQ.SERVER.PING.JSZ"


class _Health(Struct, frozen=True):
    error: str = ""


class _Limits(Struct, frozen=True):
    max_storage: int = 0
    store_dir: str = ""


class Storage(Struct, frozen=True):
    """Hold JetStream's storage: bytes in use, bytes reserved for streams, and the limit of both."""

    config: _Limits = _Limits()
    storage: int = 0
    reserved_storage: int = 0

    @property
    def limit_bytes(self) -> int:
        """Return `max_file_store` of nats-server's configuration, 0 while JetStream is off."""
        return self.config.max_storage

    @property
    def folder(self) -> str:
        """Return the folder of streams, on nats-server's machine; "" while JetStream is off."""
        return self.config.store_dir


class _HealthAnswer(Struct, frozen=True):
    data: _Health = _Health()


class _StorageAnswer(Struct, frozen=True):
    data: Storage = Storage()


def has_system_user(server: Nats) -> bool:
    """Return whether the credentials at hand are the hub's, with those of the system account."""
    folder = Path(server.credentials or "-").expanduser()
    return folder.is_dir() and file_of(server.credentials, CLAIMS).exists()


class System(Connection):
    """Hold a connection as the user of the system account."""

    def __init__(self) -> None:
        """Prepare; `open` connects."""
        super().__init__(CLAIMS)

    async def health(self) -> str:
        """Return what nats-server itself says is wrong, "" when it says it is well; raises BusDown.

        It reports a failed write of a stream until it is started again, because until then it
        stores nothing more in that stream (nats-server 2.14 and later).
        """
        return msgspec.json.decode(await self._request(HEALTH), type=_HealthAnswer).data.error

    async def storage(self) -> Storage:
        """Return the use and the limits of JetStream's storage; raises BusDown."""
        return msgspec.json.decode(await self._request(JETSTREAM), type=_StorageAnswer).data

    async def _request(self, subject: str, payload: bytes = b"") -> bytes:
        try:
            answer = await self.client.request(subject, payload, timeout=ANSWER_S)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise BusDown(f"no reply from nats-server's system account: {error!r}") from None
        return bytes(answer.data)
