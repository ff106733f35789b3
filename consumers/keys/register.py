"""Store issued identities in Postgres: accounts (`nats_account`) and PCs (`nats_user`).

Only the process that holds an advisory lock writes.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from consumers.keys.allowance import Penalty
from pitbox.identity.claims import NOBODY
from pitbox.postgres.connection import Connection
from pitbox.postgres.errors import PostgresDown, Refused
from schemas.keys import Enrol

TIMEOUT_S: Final = 5.0
ONE_WRITER: Final = 0x7069_7462_6F78_0003
"""The key of the advisory lock that the signing process holds."""

LOCK: Final = "select pg_try_advisory_lock($1) as locked"

ACCOUNTS: Final = """
select driver, account, jwt, revoked is not null as revoked,
    extract(epoch from shut_until)::float8 as until_s, penalties, (
        select json_object_agg(public_key, floor(extract(epoch from nats_user.revoked))::bigint)
        from nats_user
        where nats_user.driver = nats_account.driver and nats_user.revoked is not null
    )::text as revocations
from nats_account
"""
KEEP: Final = """
insert into nats_account (driver, account, jwt) values ($1, $2, $3)
on conflict (driver) do update set account = $2, jwt = $3, revoked = null,
    enrolled = case when nats_account.account = $2 then nats_account.enrolled else now() end
"""
ADD_USER: Final = """
insert into nats_user (public_key, driver, name, expires) values ($1, $2, $3, to_timestamp($4))
on conflict (public_key) do update
    set name = excluded.name, expires = excluded.expires, renewed = null,
        enrolled = greatest(excluded.enrolled, nats_user.revoked + interval '1 microsecond')
    where nats_user.driver = excluded.driver
returning coalesce(floor(extract(epoch from revoked))::bigint, 0) as revoked_s
"""
# A PC that was revoked and enrolled again afterwards may connect.
IS_IN: Final = "driver = $1 and expires > now() and (revoked is null or revoked < enrolled)"
RENEW_USER: Final = f"""
update nats_user set expires = to_timestamp($3), renewed = now()
where public_key = $2 and {IS_IN}
returning coalesce(floor(extract(epoch from revoked))::bigint, 0) as revoked_s
"""
USERS: Final = f"""
select public_key from nats_user where {IS_IN} and starts_with(public_key, $2)
order by public_key
"""
# The later of Postgres's clock and ours: the JWTs to revoke carry an `iat` of our clock.
REVOKE_USER: Final = """
update nats_user set revoked = greatest(now(), to_timestamp($2::float8)) where public_key = $1
"""
REVOKE: Final = "update nats_account set revoked = coalesce(revoked, now()) where driver = $1"
# One statement, so that no suspension is stored without its audit entry.
SHUT_OUT: Final = """
with shut as (
    update nats_account set shut_until = to_timestamp($2::float8), penalties = $3
    where driver = $1 returning driver, shut_until
)
insert into audit (action, about)
select 'driver shut out', driver || ': sent too much, until ' || date_trunc('second', shut_until)
from shut
"""


class AnotherSigns(PostgresDown):
    """Report that another process holds the advisory lock."""


class Account(Struct, frozen=True):
    """Hold a driver's account: its public key, its latest JWT and the driver's last penalty.

    `revocations` maps the public key of each revoked PC to the time of that, in s since 1970.
    """

    driver: str
    account: str
    jwt: str
    revoked: bool = False
    penalty: Penalty | None = None
    revocations: Mapping[str, int] = NOBODY


class Register:
    """Hold one connection to Postgres, with the advisory lock."""

    def __init__(self, url: str) -> None:
        """Prepare; `open` connects."""
        self._connection = Connection(url, "pitbox-keys", command_timeout_s=TIMEOUT_S)
        self._locked = ""

    @property
    def is_open(self) -> bool:
        """Return whether the connection that took the lock is open."""
        return bool(self._locked) and self._locked == self._connection.boot

    async def open(self) -> None:
        """Connect and take the advisory lock; raises AnotherSigns or PostgresDown."""
        boot = await self._connection.ready()
        [row] = await self._connection.fetch(LOCK, ONE_WRITER)
        if not row["locked"]:
            self.close()
            raise AnotherSigns("another process signs identities")
        self._locked = boot

    def close(self) -> None:
        """Close the connection, which releases the lock."""
        self._connection.drop()

    async def accounts(self) -> list[Account]:
        """Return every account, revoked ones included; raises PostgresDown."""
        return [_account(row) for row in await self._fetch(ACCOUNTS)]

    async def account(self, driver: str) -> Account | None:
        """Return the account of a driver; raises PostgresDown."""
        rows = await self._fetch(f"{ACCOUNTS} where driver = $1", driver)
        return _account(rows[0]) if rows else None

    async def keep(self, account: Account) -> None:
        """Store an account's JWT and clear its revocation; raises PostgresDown."""
        await self._fetch(KEEP, account.driver, account.account, account.jwt)

    async def add_user(self, wish: Enrol, expires_s: int) -> int | None:
        """Store a PC of a driver with its expiry; None when its key is another driver's.

        Returns the time of its last revocation in s since 1970, 0 when never. Raises PostgresDown.
        """
        await self._fetch("delete from nats_user where expires < now()")
        rows = await self._fetch(ADD_USER, wish.public_key, wish.driver, wish.pc, expires_s)
        return int(rows[0]["revoked_s"]) if rows else None

    async def renew_user(self, driver: str, public_key: str, expires_s: int) -> int | None:
        """Store a PC's later expiry; None when it is not enrolled. Returns as `add_user`."""
        rows = await self._fetch(RENEW_USER, driver, public_key, expires_s)
        return int(rows[0]["revoked_s"]) if rows else None

    async def users(self, driver: str, start: str) -> list[str]:
        """Return a driver's PCs whose public keys begin with `start`; raises PostgresDown."""
        return [row["public_key"] for row in await self._fetch(USERS, driver, start)]

    async def revoke_user(self, public_key: str, signed_s: float) -> None:
        """Revoke a PC's JWTs that were signed until `signed_s`; raises PostgresDown."""
        await self._fetch(REVOKE_USER, public_key, signed_s)

    async def revoke(self, driver: str) -> None:
        """Revoke a driver, and delete all PCs and enrolment codes; raises PostgresDown."""
        await self._fetch(REVOKE, driver)
        await self._fetch("delete from nats_user where driver = $1", driver)
        await self._fetch("delete from enrolment where driver = $1", driver)

    async def shut_out(self, driver: str, penalty: Penalty) -> None:
        """Store a driver's penalty with an audit entry; raises PostgresDown."""
        await self._fetch(SHUT_OUT, driver, penalty.until_s, penalty.times)

    async def _fetch(self, statement: str, *parameters: object) -> list[Any]:
        if not self.is_open:
            raise PostgresDown("Postgres is not connected yet")
        try:
            return await self._connection.fetch(statement, *parameters)
        except Refused as error:  # the schemas of the wishes allow nothing that Postgres refuses
            raise PostgresDown(str(error)) from error


def _account(row: Any) -> Account:
    until_s, times = row["until_s"], row["penalties"]
    penalty = None if until_s is None else Penalty(until_s, times)
    revocations = msgspec.json.decode(row["revocations"] or "{}", type=dict[str, int])
    return Account(row["driver"], row["account"], row["jwt"], row["revoked"], penalty, revocations)
