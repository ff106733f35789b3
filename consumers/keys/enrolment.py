"""Give out identities, renew them and take them back: Postgres first, then nats-server."""

import asyncio
import time
from typing import Final

from consumers.keys.register import Account, Register
from pitbox import logs
from pitbox.identity.authority import Authority
from pitbox.identity.jwt import claims_of
from pitbox.resolver import Resolver

LIFE_S: Final = 30 * 86_400
HASTE_S: Final = 1.0
"""A driver's renewals have to lie so far apart, for each of them is signed and stored."""

log = logs.get("keys")


class Refused(Exception):  # noqa: N818 - an answer, not a mistake
    """Say why somebody gets no identity."""


class Enrolment:
    """Sign for drivers; one thing at a time, so that nothing old is pushed over something new."""

    def __init__(
        self, authority: Authority, register: Register, resolver: Resolver, life_s: int = LIFE_S
    ) -> None:
        self._authority = authority
        self._register = register
        self._resolver = resolver
        self._life_s = life_s
        self._renewed_at: dict[str, float] = {}
        self._one = asyncio.Lock()

    async def enrol(self, driver: str, public_key: str) -> tuple[str, int]:
        """Return a JWT for a PC of a driver, and when it ends.

        Raises Refused, RegisterDown or BusDown.
        """
        async with self._one:
            account = await self._register.account(driver)
            if account is None or account.revoked:
                account = Account(driver, *self._authority.account(driver))
                await self._register.keep(account)
            await self._tell(account)
            signed = await self._sign(account, public_key)
        log.info("enrolled", driver=driver)
        return signed

    async def renew(self, driver: str, public_key: str) -> tuple[str, int]:
        """Return a JWT that ends later, for a PC that has one; raises as `enrol`."""
        now_s = time.monotonic()
        if now_s - self._renewed_at.get(driver, -HASTE_S) < HASTE_S:
            raise Refused("too soon after the last one")
        async with self._one:
            account = await self._register.account(driver)
            if account is None or account.revoked:
                raise Refused("this driver is not enrolled")
            if not await self._register.has_user(driver, public_key):
                raise Refused("this PC is not enrolled")
            self._renewed_at[driver] = now_s
            return await self._sign(account, public_key)

    async def revoke(self, driver: str) -> None:
        """Shut a driver out, whose connections end at once; raises as `enrol`."""
        async with self._one:
            account = await self._register.account(driver)
            if account is None:
                raise Refused("there is no such driver")
            await self._register.revoke(driver)
            await self._forget(account.account)
        log.info("revoked", driver=driver)

    async def sync(self) -> None:
        """Make nats-server know what Postgres has, and nobody else; raises as `enrol`.

        What it knows otherwise, such as an account from before a revocation, is forgotten.
        """
        async with self._one:
            accounts = await self._register.accounts()
            for account in accounts:
                if not account.revoked:
                    await self._tell(account)
            ours = {one.account for one in accounts if not one.revoked}
            for stranger in await self._resolver.accounts() - ours - self._authority.own_accounts():
                await self._forget(stranger)

    async def _tell(self, account: Account) -> None:
        """Push an account unless nats-server has it so: pushing costs what is in flight."""
        token = account.jwt
        wanted = self._authority.account_again(account.driver, account.account)
        if claims_of(wanted) != claims_of(token):
            token = wanted
            await self._register.keep(Account(account.driver, account.account, token))
        known = account.account in await self._resolver.accounts()
        if not known or await self._resolver.lookup(account.account) != token:
            await self._resolver.push(token)

    async def _sign(self, account: Account, public_key: str) -> tuple[str, int]:
        expires_s = int(time.time()) + self._life_s
        if not await self._register.add_user(account.driver, public_key, expires_s):
            raise Refused("this key is another driver's")
        token = self._authority.driver_user(
            account.driver, account.account, public_key, expires_s=expires_s
        )
        return token, expires_s

    async def _forget(self, account: str) -> None:
        if account in await self._resolver.accounts():
            await self._resolver.delete(self._authority.deletion(account), account)
