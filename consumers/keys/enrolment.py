"""Enrol, renew, revoke and suspend drivers: write Postgres first, then nats-server."""

import asyncio
import time
from typing import Final

from msgspec.structs import replace

from consumers.keys import allowance, metrics
from consumers.keys.allowance import Penalty
from consumers.keys.register import Account, Register
from pitbox import logs
from pitbox.identity.authority import Authority
from pitbox.identity.jwt import claims_of
from pitbox.nats.resolver import Resolver
from pitbox.postgres.errors import PostgresDown
from pitbox.service.limits import Limit
from pitbox.settings import Allowance
from schemas.keys import Enrol

LIFE_S: Final = 30 * 86_400
HASTE_S: Final = 1.0
"""The least time between two renewals of a driver, because each is signed and stored."""

RENEWALS: Final = 10
"""The limit of renewal requests per driver, refused ones included: each costs a query."""

log = logs.get("keys")


class Refused(Exception):  # noqa: N818 - an answer, not a mistake
    """Report that a request is refused; the message says why."""


class Enrolment:
    """Sign and revoke drivers' identities, and push their accounts to nats-server.

    One operation runs at a time, so that an older account never overwrites a newer one.
    """

    def __init__(
        self,
        authority: Authority,
        register: Register,
        resolver: Resolver,
        allowed: Allowance,
        life_s: int = LIFE_S,
    ) -> None:
        self._authority = authority
        self._register = register
        self._resolver = resolver
        self._allowed = allowed
        self._life_s = life_s
        self._known: dict[str, Account] = {}
        self._penalties: dict[str, Penalty] = {}
        self._out: set[str] = set()
        self._revoked: set[str] = set()
        self._renewed_at: dict[str, float] = {}
        self._renewals = Limit(RENEWALS, RENEWALS * HASTE_S)
        self._lock = asyncio.Lock()

    @property
    def drivers(self) -> dict[str, str]:
        """Return the drivers who may connect now, by the public key of their account."""
        return {
            account.account: driver
            for driver, account in self._known.items()
            if driver not in self._out
        }

    async def enrol(self, wish: Enrol) -> tuple[str, int]:
        """Return a JWT for a PC of a driver, and its expiry in s since 1970.

        Raises Refused, PostgresDown or BusDown.
        """
        driver, public_key = wish.driver, wish.public_key
        async with self._lock:
            account = await self._register.account(driver)
            self._remember(account)
            if self._is_suspended(driver):
                raise Refused(
                    f"{driver} sent too much: try again {_after(self._penalties[driver])}"
                )
            if account is None or account.revoked:
                account = Account(driver, *self._authority.account(driver))
                await self._register.keep(account)
            await self._push(account)
            expires_s = int(time.time()) + self._life_s
            revoked_s = await self._register.add_user(wish, expires_s)
            if revoked_s is None:
                raise Refused("this PC's key belongs to another driver")
            token = self._sign(account, public_key, expires_s, revoked_s)
        log.info("enrolled", driver=driver)
        return token, expires_s

    async def renew(self, driver: str, public_key: str) -> tuple[str, int]:
        """Return a JWT with a later expiry for an enrolled PC; returns and raises as `enrol`."""
        now_s = time.monotonic()
        if now_s - self._renewed_at.get(driver, -HASTE_S) < HASTE_S:
            raise Refused("the last renewal is less than a second ago")
        if self._renewals.wait_s(driver, now_s):
            raise Refused("too many renewal requests")
        async with self._lock:
            account = await self._register.account(driver)
            if account is None or account.revoked:
                raise Refused("this driver is not enrolled")
            expires_s = int(time.time()) + self._life_s
            revoked_s = await self._register.renew_user(driver, public_key, expires_s)
            if revoked_s is None:
                raise Refused("this PC is not enrolled")
            self._renewed_at[driver] = now_s
            return self._sign(account, public_key, expires_s, revoked_s), expires_s

    async def revoke_pc(self, driver: str, start: str) -> None:
        """Revoke the one PC of a driver whose public key begins with `start`; raises as `enrol`.

        Its connections close at once; the driver's other PCs stay connected.
        """
        async with self._lock:
            found = await self._register.users(driver, start)
            if len(found) != 1:
                several = f"several PCs of {driver} begin with {start}: {', '.join(found)}"
                raise Refused(several if found else f"{driver} has no PC {start}")
            await self._register.revoke_user(found[0], time.time())
            account = await self._register.account(driver)
            if account and driver not in self._out:
                await self._push(account)
        log.info("PC revoked", driver=driver)

    async def revoke(self, driver: str) -> None:
        """Revoke a driver with all PCs; their connections close at once. Raises as `enrol`."""
        async with self._lock:
            account = await self._register.account(driver)
            if account is None:
                raise Refused(f"no driver {driver} is enrolled")
            await self._register.revoke(driver)
            self._known.pop(driver, None)
            self._set_out(driver, out=False)
            await self._delete(account.account)
            self._revoked.add(driver)
        log.info("revoked", driver=driver)

    def newly_revoked(self) -> set[str]:
        """Return the drivers revoked since the last call."""
        revoked, self._revoked = self._revoked, set()
        return revoked

    async def shut_out(self, driver: str) -> None:
        """Suspend a driver who sent too much; raises BusDown.

        The suspension begins at once, also while Postgres is down. It is then stored when Postgres
        answers again; a restart of this service before that ends it.
        """
        async with self._lock:
            account = self._known.get(driver)
            if account is None or driver in self._out:
                return  # suspended or revoked since the counters were read
            before = self._penalties.get(driver)
            penalty = allowance.penalty(before, time.time(), self._allowed)
            self._penalties[driver] = penalty
            await self._delete(account.account)
            self._set_out(driver, out=True)
            metrics.shut_out.inc()
            log.error("driver suspended for sending too much", driver=driver, times=penalty.times)
            try:
                await self._register.shut_out(driver, penalty)
            except PostgresDown as error:
                log.warning("the suspension is not stored yet", reason=str(error))

    async def readmit(self) -> None:
        """End the suspensions whose time is over; raises as `enrol`.

        While Postgres is down they go on: only Postgres knows which drivers were revoked meanwhile.
        """
        async with self._lock:
            for driver in [one for one in self._out if not self._is_suspended(one)]:
                account = await self._register.account(driver)
                if account and not account.revoked:
                    await self._push(account)
                    log.info("suspension ended", driver=driver)
                self._set_out(driver, out=False)

    async def learn(self) -> None:
        """Read the drivers' accounts from nats-server, unless some are known; raises BusDown.

        This service started while Postgres was down can so still watch the drivers' traffic.
        """
        async with self._lock:
            if self._known:
                return
            for account in await self._resolver.accounts() - self._authority.own_accounts():
                token = await self._resolver.lookup(account)
                driver = self._authority.driver_of(token)
                if driver:
                    self._known[driver] = Account(driver, account, token)

    async def stand_by(self) -> None:
        """Forget all drivers, because another process signs and watches them."""
        async with self._lock:
            self._known.clear()
            self._out.clear()
            metrics.out_now.set(0)

    async def sync(self) -> None:
        """Push all accounts in Postgres to nats-server and delete all others; raises as `enrol`.

        nats-server may hold others after a restart, such as an account revoked meanwhile.
        """
        async with self._lock:
            accounts = await self._register.accounts()
            self._known = {one.driver: one for one in accounts if not one.revoked}
            await self._compare_penalties(accounts)
            self._out = {driver for driver in self._known if self._is_suspended(driver)}
            metrics.out_now.set(len(self._out))
            for driver in self._known.keys() - self._out:
                await self._push(self._known[driver])
            ours = self.drivers.keys() | self._authority.own_accounts()
            for stranger in await self._resolver.accounts() - ours:
                await self._delete(stranger)

    async def _compare_penalties(self, accounts: list[Account]) -> None:
        """Take over the penalties in Postgres, and store those imposed while it was down."""
        for one in accounts:
            self._remember(one)
            known = self._penalties.get(one.driver)
            if known and known != one.penalty:
                await self._register.shut_out(one.driver, known)

    def _remember(self, account: Account | None) -> None:
        if account and account.penalty:
            known = self._penalties.get(account.driver, account.penalty)
            later = max(known, account.penalty, key=lambda penalty: penalty.until_s)
            self._penalties[account.driver] = later

    def _is_suspended(self, driver: str) -> bool:
        """Return whether a driver's penalty has not ended yet."""
        penalty = self._penalties.get(driver)
        return penalty is not None and time.time() < penalty.until_s

    def _set_out(self, driver: str, *, out: bool) -> None:
        (self._out.add if out else self._out.discard)(driver)
        metrics.out_now.set(len(self._out))

    async def _push(self, account: Account) -> None:
        """Push an account's claims, unless nats-server has them: a push loses messages in flight.

        An account that nats-server lacks is signed again. It would accept the same JWT of a deleted
        account, but then reject every connection to it.
        """
        known = account.account in await self._resolver.accounts()
        wanted = self._authority.account_again(account.driver, account.account, account.revocations)
        if not known or claims_of(wanted) != claims_of(account.jwt):
            account = replace(account, jwt=wanted, revoked=False)
            await self._register.keep(account)
        self._known[account.driver] = account
        if not known or await self._resolver.lookup(account.account) != account.jwt:
            await self._resolver.push(account.jwt)

    def _sign(self, account: Account, public_key: str, expires_s: int, revoked_s: int) -> str:
        return self._authority.driver_user(
            account.driver, account.account, public_key, expires_s=expires_s, after_s=revoked_s
        )

    async def _delete(self, account: str) -> None:
        if account in await self._resolver.accounts():
            await self._resolver.delete(self._authority.deletion(account), account)


def _after(penalty: Penalty) -> str:
    return time.strftime("after %H:%M:%S UTC", time.gmtime(penalty.until_s))
