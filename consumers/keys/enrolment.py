"""Give out identities, renew them and take them back: Postgres first, then nats-server."""

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
"""A driver's renewals have to lie so far apart, for each of them is signed and stored."""

RENEWALS: Final = 10
"""So many may be asked for at once, also by a PC that gets none: each is looked up."""

log = logs.get("keys")


class Refused(Exception):  # noqa: N818 - an answer, not a mistake
    """Say why somebody gets no identity."""


class Enrolment:
    """Sign for drivers; one thing at a time, so that nothing old is pushed over something new."""

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
        self._renewed_at: dict[str, float] = {}
        self._renewals = Limit(RENEWALS, RENEWALS * HASTE_S)
        self._one = asyncio.Lock()

    @property
    def drivers(self) -> dict[str, str]:
        """Return who may drive now, by the public key of his account."""
        return {
            account.account: driver
            for driver, account in self._known.items()
            if driver not in self._out
        }

    async def enrol(self, wish: Enrol) -> tuple[str, int]:
        """Return a JWT for a PC of a driver, and when it ends.

        Raises Refused, PostgresDown or BusDown.
        """
        driver, public_key = wish.driver, wish.public_key
        async with self._one:
            account = await self._register.account(driver)
            self._remember(account)
            if self._is_due(driver):
                raise Refused(f"sent too much, and is shut out {_until(self._penalties[driver])}")
            if account is None or account.revoked:
                account = Account(driver, *self._authority.account(driver))
                await self._register.keep(account)
            await self._tell(account)
            expires_s = int(time.time()) + self._life_s
            revoked_s = await self._register.add_user(wish, expires_s)
            if revoked_s is None:
                raise Refused("this key is another driver's")
            token = self._sign(account, public_key, expires_s, revoked_s)
        log.info("enrolled", driver=driver)
        return token, expires_s

    async def renew(self, driver: str, public_key: str) -> tuple[str, int]:
        """Return a JWT that ends later, for a PC that has one; raises as `enrol`."""
        now_s = time.monotonic()
        if now_s - self._renewed_at.get(driver, -HASTE_S) < HASTE_S:
            raise Refused("too soon after the last one")
        if self._renewals.wait_s(driver, now_s):
            raise Refused("asked too often")
        async with self._one:
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
        """Shut out the PC of a driver whose public key begins so; raises as `enrol`.

        Its connections end at once, those of his other PCs go on.
        """
        async with self._one:
            found = await self._register.users(driver, start)
            if len(found) != 1:
                several = f"several PCs of his begin so: {', '.join(found)}"
                raise Refused(several if found else "he has no such PC")
            await self._register.revoke_user(found[0], time.time())
            account = await self._register.account(driver)
            if account and driver not in self._out:
                await self._tell(account)
        log.info("PC revoked", driver=driver)

    async def revoke(self, driver: str) -> None:
        """Shut a driver out, whose connections end at once; raises as `enrol`."""
        async with self._one:
            account = await self._register.account(driver)
            if account is None:
                raise Refused("there is no such driver")
            await self._register.revoke(driver)
            self._known.pop(driver, None)
            self._keep_out(driver, out=False)
            await self._forget(account.account)
        log.info("revoked", driver=driver)

    async def shut_out(self, driver: str) -> None:
        """Shut a driver out for a while, who may have lost his account since; raises BusDown.

        It begins at once, also while Postgres is away; a start meanwhile ends what it did not keep.
        """
        async with self._one:
            account = self._known.get(driver)
            if account is None or driver in self._out:
                return
            before = self._penalties.get(driver)
            penalty = allowance.penalty(before, time.time(), self._allowed)
            self._penalties[driver] = penalty
            await self._forget(account.account)
            self._keep_out(driver, out=True)
            metrics.shut_out.inc()
            log.error("sends too much, shut out", driver=driver, times=penalty.times)
            try:
                await self._register.shut_out(driver, penalty)
            except PostgresDown as error:
                log.warning("the penalty is not written down yet", reason=str(error))

    async def readmit(self) -> None:
        """Let in again those whose time is over; raises as `enrol`.

        While Postgres is away they wait: it alone knows who was revoked meanwhile.
        """
        async with self._one:
            for driver in [one for one in self._out if not self._is_due(one)]:
                account = await self._register.account(driver)
                if account and not account.revoked:
                    await self._tell(account)
                    log.info("let in again", driver=driver)
                self._keep_out(driver, out=False)

    async def learn(self) -> None:
        """Learn from nats-server whom to watch over, unless anybody is known; raises BusDown."""
        async with self._one:
            if self._known:
                return
            for account in await self._resolver.accounts() - self._authority.own_accounts():
                token = await self._resolver.lookup(account)
                driver = self._authority.driver_of(token)
                if driver:
                    self._known[driver] = Account(driver, account, token)

    async def stand_by(self) -> None:
        """Leave everybody to another process, which signs."""
        async with self._one:
            self._known.clear()
            self._out.clear()
            metrics.out_now.set(0)

    async def sync(self) -> None:
        """Make nats-server know what Postgres has, and nobody else; raises as `enrol`.

        What it knows otherwise, such as an account from before a revocation, is forgotten.
        """
        async with self._one:
            accounts = await self._register.accounts()
            self._known = {one.driver: one for one in accounts if not one.revoked}
            await self._compare_penalties(accounts)
            self._out = {driver for driver in self._known if self._is_due(driver)}
            metrics.out_now.set(len(self._out))
            for driver in self._known.keys() - self._out:
                await self._tell(self._known[driver])
            ours = self.drivers.keys() | self._authority.own_accounts()
            for stranger in await self._resolver.accounts() - ours:
                await self._forget(stranger)

    async def _compare_penalties(self, accounts: list[Account]) -> None:
        """Remember what Postgres has, and write down what it missed while it was away."""
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

    def _is_due(self, driver: str) -> bool:
        """Tell whether a driver has to be out now."""
        penalty = self._penalties.get(driver)
        return penalty is not None and time.time() < penalty.until_s

    def _keep_out(self, driver: str, *, out: bool) -> None:
        (self._out.add if out else self._out.discard)(driver)
        metrics.out_now.set(len(self._out))

    async def _tell(self, account: Account) -> None:
        """Push an account unless nats-server has it so: pushing costs what is in flight.

        One that it does not have is signed anew: of one that it forgot it would take the same JWT,
        and let nobody in by it.
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

    async def _forget(self, account: str) -> None:
        if account in await self._resolver.accounts():
            await self._resolver.delete(self._authority.deletion(account), account)


def _until(penalty: Penalty) -> str:
    return time.strftime("until %H:%M:%S UTC", time.gmtime(penalty.until_s))
