"""Manage accounts of the pit wall; access to the database is the right to do so."""

import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from commands import database
from commands.cli import CommandError
from commands.hub import nearby
from commands.hub.record import page_of
from commands.terminal import table
from pitbox import allowed
from schemas.api import AccountAbout, Invitation, Role

COLUMNS: Final = ("Account", "Role", "Driver", "Logins", "State")

Result = TypeVar("Result")


def list_accounts(*, json: bool = False) -> None:
    """List accounts with their roles and open logins.

    Example: pitbox account list

    Parameters
    ----------
    json
        print a list of objects
    """
    from pitbox.people import accounts

    found = database.run(accounts.every)
    if json:
        print(msgspec.json.encode(found).decode())
        return
    if found:
        print(table(COLUMNS, map(_cells, found)))
    else:
        print("no accounts: `pitbox account link` creates the first owner")


def create(name: str, /, *, role: Role = "engineer", driver: str = "") -> None:
    """Create an account; its password is typed, or read from standard input.

    Example: pitbox account create ann --role engineer

    Parameters
    ----------
    name
        2 to 32 small letters, digits, `.`, `_` and `-`
    role
        the role of the account
    driver
        the driver of this account, by the name that the driver's PC sends
    """
    from pitbox.people import accounts

    wish, hashed = _wish(name, role, driver), _new_password(name)

    async def made(connection: Any) -> None:
        async with connection.transaction():
            await accounts.invite(connection, wish)
            account = await accounts.find(connection, name)
            assert account is not None  # it was just made
            await accounts.set_password(connection, account.account, hashed)
            await _write_down(connection, "account created", f"{name} as {role}")

    _run(made)
    print(f"{name} can log in as {role}")


def invite(name: str, /, *, role: Role = "engineer", driver: str = "") -> None:
    """Create an account and print a single-use link to choose its password.

    Example: pitbox account invite kai --role driver --driver KAI

    Parameters
    ----------
    name
        2 to 32 small letters, digits, `.`, `_` and `-`
    role
        the role of the account
    driver
        the driver of this account, by the name that the driver's PC sends
    """
    from pitbox.people import accounts

    wish = _wish(name, role, driver)

    async def made(connection: Any) -> tuple[str, datetime]:
        secret = await accounts.invite(connection, wish)
        await _write_down(connection, "invited", f"{name} as {role}")
        return secret

    secret, expires = _run(made)
    print(f"for {name}, until {expires:%Y-%m-%d %H:%M} UTC: {_page()}#invitation={secret}")


def link(name: str = "", /) -> None:
    """Print a single-use login link, valid for one hour; creates the first owner.

    Example: pitbox account link

    Parameters
    ----------
    name
        the account; empty: the first owner
    """
    from pitbox.people import accounts

    async def made(connection: Any) -> str:
        account = await (
            accounts.find(connection, name) if name else accounts.first_owner(connection)
        )
        if account is None or account.disabled:
            raise CommandError(f"no enabled account {name!r}: see `pitbox account list`")
        await _write_down(connection, "login link made", account.name)
        return (await accounts.login_link(connection, account.account))[0]

    print(f"{_page()}#link={_run(made)}")


def password(name: str, /) -> None:
    """Set the password of an account and end its logins.

    Example: pitbox account password ann

    Parameters
    ----------
    name
        the account
    """
    from pitbox.people import accounts, logins

    hashed = _new_password(name)

    async def changed(connection: Any) -> None:
        account = await accounts.find(connection, name)
        if account is None:
            raise CommandError(f"no account {name!r}: see `pitbox account list`")
        async with connection.transaction():
            await accounts.set_password(connection, account.account, hashed)
            await logins.end_all(connection, account.account, "password changed")
            await _write_down(connection, "password changed", name)

    _run(changed)
    print(f"{name} has a new password; all its logins have ended")


def role(name: str, role: Role, /) -> None:
    """Change the role of an account.

    Example: pitbox account role ann owner

    Parameters
    ----------
    name
        the account
    role
        its new role
    """
    _change(name, role=role)
    print(f"{name} is {role}")


def disable(name: str, /) -> None:
    """Disable an account; its open pages end within five seconds.

    Example: pitbox account disable ann

    Parameters
    ----------
    name
        the account
    """
    _change(name, disabled=True)
    print(f"{name} cannot log in any more")


def enable(name: str, /) -> None:
    """Enable a disabled account.

    Example: pitbox account enable ann

    Parameters
    ----------
    name
        the account
    """
    _change(name, disabled=False)
    print(f"{name} can log in again")


def _cells(one: AccountAbout) -> tuple[str, ...]:
    state = "disabled" if one.disabled else "no password yet" if one.invited else ""
    return one.name, one.role, one.driver or "", str(one.logins), state


def _change(name: str, *, role: Role | None = None, disabled: bool | None = None) -> None:
    from pitbox.people import accounts

    async def changed(connection: Any) -> None:
        if await accounts.change(connection, name, role, disabled) is None:
            raise CommandError(f"no account {name!r}: see `pitbox account list`")
        what = role or ("disabled" if disabled else "enabled")
        await _write_down(connection, "account changed", f"{name}: {what}")

    _run(changed)


def _run(work: Callable[[Any], Awaitable[Result]]) -> Result:
    from pitbox.people.accounts import RefusedError

    try:
        return database.run(work)
    except RefusedError as error:
        raise CommandError(str(error)) from None


async def _write_down(connection: Any, action: str, about: str) -> None:
    from pitbox.people import audit

    await audit.add(connection, None, action, about, "command line")


def _wish(name: str, role: Role, driver: str) -> Invitation:
    asked = {"name": name, "role": role, "driver": driver or None}
    try:
        return msgspec.convert(asked, Invitation)
    except msgspec.ValidationError as error:
        raise CommandError(allowed.sentence(error, Invitation)) from None


def _new_password(name: str) -> str:
    from pitbox.people.passwords import HASHER, why_not

    if sys.stdin.isatty():
        word = getpass.getpass("password: ")
        if getpass.getpass("again: ") != word:
            raise CommandError("the two passwords differ")
    else:
        word = sys.stdin.readline().rstrip("\n")
    reason = why_not(word, name)
    if reason:
        raise CommandError(reason)
    return HASHER.hash(word)


def _page() -> str:
    """Return the address of the pit wall from the settings."""
    served = nearby.find().settings.gateway
    return page_of(served, served.port)
