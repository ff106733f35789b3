"""Push and delete accounts of nats-server over its system account, and verify the result.

A reply of 200 proves only that nats-server wrote a file: a JWT of a foreign signer gets 200 too.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from pitbox.identity import jwt
from pitbox.nats.connection import BusDown
from pitbox.nats.system import System

UPDATE: Final = "$SYS.REQ.CLAIMS.UPDATE"
DELETE: Final = "$SYS.REQ.CLAIMS.DELETE"
LIST: Final = "$SYS.REQ.CLAIMS.LIST"
STATISTICS: Final = "$SYS.REQ.ACCOUNT.PING.STATZ"


class Sent(Struct, frozen=True):
    """Count the messages and bytes that an account has sent since nats-server loaded it."""

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


class Resolver(System):
    """Hold the connection over which accounts are pushed and deleted."""

    async def accounts(self) -> set[str]:
        """Return the public keys of all accounts of nats-server; raises BusDown."""
        return set(await self._ask(LIST))

    async def lookup(self, account: str) -> str:
        """Return the JWT of an account, by its public key; raises BusDown."""
        return (await self._request(f"$SYS.REQ.ACCOUNT.{account}.CLAIMS.LOOKUP")).decode()

    async def push(self, token: str) -> None:
        """Push an account's JWT; raises BusDown unless nats-server returns the same JWT then."""
        account = jwt.verified(token)["sub"]
        await self._ask(UPDATE, token.encode())
        if await self.lookup(account) != token:
            raise BusDown(f"nats-server did not store the claims of {account}")

    async def delete(self, order: str, account: str) -> None:
        """Delete an account, which closes its connections; raises BusDown unless it is gone then.

        `order` is the delete request, signed by the operator.
        """
        await self._ask(DELETE, order.encode())
        if account in await self.accounts():
            raise BusDown(f"nats-server did not delete {account}")

    async def sent(self) -> dict[str, Sent]:
        """Return the count of each account, by its public key; raises BusDown."""
        answer = await self._request(STATISTICS, b'{"include_unused": true}')
        return {one.acc: one.received for one in _statistics(answer).data.account_statz}

    async def _ask(self, subject: str, payload: bytes = b"") -> Any:
        answer = msgspec.json.decode(await self._request(subject, payload))
        if "error" in answer:
            raise BusDown(f"nats-server refuses: {answer['error'].get('description', '')}")
        return answer["data"]
