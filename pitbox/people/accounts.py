"""Store accounts: created by an invitation, disabled but never deleted."""

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from pitbox.people import logins, secrets
from pitbox.postgres import page
from pitbox.postgres.page import Page
from schemas.api import AccountAbout, Invitation, Role

INVITED_FOR: Final = timedelta(days=3)
LINK_FOR: Final = timedelta(hours=1)
MAX_ACCOUNTS: Final = 500

FIND: Final = """
select account::text, name, role, driver, password, disabled from account where name = $1
"""
ALL: Final = """
select a.name, a.role, a.driver, a.password is null as invited, a.disabled, (
    select count(*) from login as l
    where l.account = a.account and l.ended is null and l.ends > now()
) as logins
from account as a where a.name > $1 order by a.name limit $2
"""
INVITE: Final = """
insert into account (name, role, driver) values ($1, $2, $3)
on conflict (name) do update set role = excluded.role, driver = excluded.driver
where account.password is null and not account.disabled
returning account::text
"""
COUNT: Final = "select count(*) from account"
TAKEN: Final = "select name from account where driver = $1 and name <> $2"
CHANGE: Final = """
update account set role = coalesce($2, role), disabled = coalesce($3, disabled) where name = $1
"""
OWNERS: Final = """
select name from account where role = 'owner' and not disabled order by created for update
"""
FIRST_OWNER: Final = """
insert into account (name, role) values ('owner', 'owner')
on conflict (name) do update set role = 'owner', disabled = false
"""
SET_PASSWORD: Final = "update account set password = $2 where account = $1::uuid"
FORGET_LINKS: Final = "delete from one_time_link where account = $1::uuid or expires < now()"
ADD_LINK: Final = """
insert into one_time_link (hash, account, purpose, expires)
values ($1, $2::uuid, $3, now() + $4) returning expires
"""
PEEK_LINK: Final = """
select account::text, name, role, driver, password, disabled
from one_time_link join account using (account)
where hash = $1 and purpose = $2 and used is null and expires > now() and not disabled
"""
USE_LINK: Final = """
update one_time_link as l set used = now() from account as a
where l.hash = $1 and l.purpose = $2 and l.used is null and l.expires > now()
    and a.account = l.account and not a.disabled
returning a.account::text, a.name, a.role, a.driver, a.password, a.disabled
"""


class Account(Struct, frozen=True):
    """Hold a row of `account`; `password` is the hash, None until one is chosen."""

    account: str
    name: str
    role: Role
    driver: str | None
    password: str | None
    disabled: bool


class RefusedError(Exception):
    """Report that an account cannot be created or changed; the message says why."""


async def find(connection: Any, name: str) -> Account | None:
    """Return the account with a name, None when there is none."""
    return _account(await connection.fetchrow(FIND, name))


async def every(connection: Any) -> list[AccountAbout]:
    """Return all accounts, ordered by name."""
    return [AccountAbout(**row) for row in await connection.fetch(ALL, "", None)]


async def listed(connection: Any, after: str, limit: int) -> Page[AccountAbout]:
    """Return a page of accounts, ordered by name, of those behind the name `after`."""
    rows = await connection.fetch(ALL, after, limit + 1)
    return page.page(rows, limit, lambda row: AccountAbout(**row), lambda row: row["name"])


async def invite(connection: Any, wish: Invitation) -> tuple[str, datetime]:
    """Create an account without a password; return its link's secret and expiry.

    An account that has no password yet is invited again. Raises RefusedError.
    """
    async with connection.transaction():
        # This comes first because it locks the owners' rows, which serialises invitations.
        await _keeps_an_owner(connection, wish.name, wish.role, disabled=False)
        if await connection.fetchval(COUNT) >= MAX_ACCOUNTS:
            raise RefusedError(f"name: the limit of {MAX_ACCOUNTS} accounts is reached")
        if wish.driver and await connection.fetchval(TAKEN, wish.driver, wish.name):
            raise RefusedError(f"driver: the driver {wish.driver} belongs to another account")
        account = await connection.fetchval(INVITE, wish.name, wish.role, wish.driver)
        if account is None:
            raise RefusedError(f"name: the account {wish.name} exists already")
        return await _link(connection, account, "invitation", INVITED_FOR)


async def invite_again(connection: Any, account: Account) -> tuple[str, datetime]:
    """Return the secret and the expiry of a link to choose a new password.

    The old password stays valid until the link is used. Raises RefusedError.
    """
    if account.disabled:
        raise RefusedError(f"name: the account {account.name} is disabled: enable it first")
    return await _link(connection, account.account, "invitation", INVITED_FOR)


async def first_owner(connection: Any) -> Account:
    """Return the oldest enabled owner; without one, create the account `owner`, no password."""
    async with connection.transaction():
        owners = await connection.fetch(OWNERS)
        if not owners:
            await connection.execute(FIRST_OWNER)
            owners = await connection.fetch(OWNERS)
        found = await find(connection, owners[0]["name"])
    assert found is not None  # its row is locked
    return found


async def login_link(connection: Any, account: str) -> tuple[str, datetime]:
    """Return the secret and the expiry of a one-time login link; older links become invalid."""
    return await _link(connection, account, "login", LINK_FOR)


async def change(
    connection: Any, name: str, role: Role | None = None, disabled: bool | None = None
) -> Account | None:
    """Change an account's role or state and return it; None when there is none.

    Disabling ends the account's logins and links. Raises RefusedError when no owner would be left.
    """
    async with connection.transaction():
        await _keeps_an_owner(connection, name, role, disabled=disabled)
        await connection.execute(CHANGE, name, role, disabled)
        account = await find(connection, name)
        if account is not None and account.disabled:
            await logins.end_all(connection, account.account, "disabled")
            await connection.execute(FORGET_LINKS, account.account)
        return account


async def set_password(connection: Any, account: str, hashed: str) -> None:
    """Store the hash of a new password; older links become invalid."""
    await connection.execute(SET_PASSWORD, account, hashed)
    await connection.execute(FORGET_LINKS, account)


async def peek_link(connection: Any, secret: str, purpose: str) -> Account | None:
    """Return the account of a valid link without using it, None when it is not valid."""
    return _account(await connection.fetchrow(PEEK_LINK, secrets.digest(secret), purpose))


async def use_link(connection: Any, secret: str, purpose: str) -> Account | None:
    """Use a link and return its account, None when it is used, expired or unknown."""
    return _account(await connection.fetchrow(USE_LINK, secrets.digest(secret), purpose))


async def _link(
    connection: Any, account: str, purpose: str, lasts: timedelta
) -> tuple[str, datetime]:
    secret = secrets.make()
    await connection.execute(FORGET_LINKS, account)
    expires = await connection.fetchval(ADD_LINK, secrets.digest(secret), account, purpose, lasts)
    return secret, expires


async def _keeps_an_owner(
    connection: Any, name: str, role: Role | None, *, disabled: bool | None
) -> None:
    owners = [row["name"] for row in await connection.fetch(OWNERS)]
    if owners == [name] and (disabled or role not in (None, "owner")):
        raise RefusedError(f"name: {name} is the only owner: make another account owner first")


def _account(row: Any) -> Account | None:
    return None if row is None else Account(**row)
