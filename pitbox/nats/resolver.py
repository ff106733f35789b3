"""Tell nats-server of accounts, over its system account, and believe nothing but what it has then.

Its 200 only says that it wrote a file; also a JWT of a foreign signer gets one.
"""

from typing import Any, Final

import msgspec
import nats.errors
from msgspec import Struct

from pitbox.identity import jwt
from pitbox.identity.authority import CLAIMS
from pitbox.nats.connection import BusDown, Connection

ANSWER_S: Final = 2.0
UPDATE: Final = "$SYS.REQ.CLAIMS.UPDATE"
DELETE: Final = "$SYS.REQ.CLAIMS.DELETE"
LIST: Final = "$SYS.REQ.CLAIMS.LIST"
STATISTICS: Final = "$SYS.REQ.ACCOUNT.PING.STATZ"


class Sent(Struct, frozen=True):
    """Count what an account has sent since nats-server knows it."""

    msgs: int = 0
    bytes: int = 0


class _Account(Struct, frozen=True):
    acc: str
    received: Sent = Sent()


class _Accounts(Struct, frozen=True):
    account_statz: tuple[_Account, ...] = ()


class _Statistics(Struct, frozen=True):
    data: _Accounts = _Accounts()


_statistics: Final = msgspec.json.Decoder(_Statistics).decode


class Resolver(Connection):
    """Hold the connection over which accounts are made known and forgotten."""

    def __init__(self) -> None:
        """Prepare; `open` connects as the user for claims."""
        super().__init__(CLAIMS)

    async def accounts(self) -> set[str]:
        """Return the public keys of all accounts that nats-server has; raises BusDown."""
        return set(await self._ask(LIST))

    async def lookup(self, account: str) -> str:
        """Return the JWT that nats-server has of a known account; raises BusDown."""
        return (await self._request(f"$SYS.REQ.ACCOUNT.{account}.CLAIMS.LOOKUP")).decode()

    async def push(self, token: str) -> None:
        """Make an account known; raises BusDown unless nats-server has just that then."""
        account = jwt.verified(token)["sub"]
        await self._ask(UPDATE, token.encode())
        if await self.lookup(account) != token:
            raise BusDown(f"nats-server did not take the claims of {account}")

    async def delete(self, order: str, account: str) -> None:
        """Forget an account, which ends its connections; raises BusDown unless it is gone then."""
        await self._ask(DELETE, order.encode())
        if account in await self.accounts():
            raise BusDown(f"nats-server did not forget {account}")

    async def sent(self) -> dict[str, Sent]:
        """Return what each account in use has sent, by its public key; raises BusDown."""
        answer = await self._request(STATISTICS, b'{"include_unused": true}')
        return {one.acc: one.received for one in _statistics(answer).data.account_statz}

    async def _ask(self, subject: str, payload: bytes = b"") -> Any:
        answer = msgspec.json.decode(await self._request(subject, payload))
        if "error" in answer:
            raise BusDown(f"nats-server refuses: {answer['error'].get('description', '')}")
        return answer["data"]

    async def _request(self, subject: str, payload: bytes = b"") -> bytes:
        try:
            answer = await self.client.request(subject, payload, timeout=ANSWER_S)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise BusDown(f"nats-server does not answer about accounts: {error!r}") from None
        return bytes(answer.data)
