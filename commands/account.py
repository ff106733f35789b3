"""Say who may watch, and as what; whoever reaches the database may do that."""

import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from commands import database
from commands.cli import CommandError
from pitbox import settings
from schemas.api import Invitation, Role

Result = TypeVar("Result")


def list_accounts(*, json: bool = False) -> None:
    """List accounts, with how many logins each has.

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
    for one in found:
        state = "disabled" if one.disabled else "no password yet" if one.invited else ""
        driver = f" ({one.driver})" if one.driver else ""
        print(f"{one.name:<20} {one.role + driver:<24} {one.logins} logins  {state}".rstrip())
    if not found:
        print("no accounts: `pitbox account link` makes the first owner")


def create(name: str, /, *, role: Role = "engineer", driver: str = "") -> None:
    """Make an account and ask for its password, or take that from standard input.

    Example: pitbox account create ann --role engineer

    Parameters
    ----------
    name
        small letters, digits, `.`, `_` and `-`
    role
        what it may do
    driver
        whose telemetry is theirs, by the name that their PC sends
    """
    from pitbox.people import accounts

    hashed = _new_password(name)

    async def made(connection: Any) -> None:
        async with connection.transaction():
            await accounts.invite(connection, _wish(name, role, driver))
            account = await accounts.find(connection, name)
            assert account is not None  # it was just made
            await accounts.set_password(connection, account.account, hashed)
            await _write_down(connection, "account created", f"{name} as {role}")

    _run(made)
    print(f"{name} may log in as {role}")


def invite(name: str, /, *, role: Role = "engineer", driver: str = "") -> None:
    """Make an account and print the link by which its password is chosen, once.

    Example: pitbox account invite kai --role driver --driver KAI

    Parameters
    ----------
    name
        small letters, digits, `.`, `_` and `-`
    role
        what it may do
    driver
        whose telemetry is theirs, by the name that their PC sends
    """
    from pitbox.people import accounts

    async def made(connection: Any) -> tuple[str, datetime]:
        secret = await accounts.invite(connection, _wish(name, role, driver))
        await _write_down(connection, "invited", f"{name} as {role}")
        return secret

    secret, expires = _run(made)
    print(f"for {name}, until {expires:%Y-%m-%d %H:%M} UTC: {_page()}#invitation={secret}")


def link(name: str = "", /) -> None:
    """Print a link that logs somebody in, once, within an hour; makes the first owner.

    Example: pitbox account link

    Parameters
    ----------
    name
        whom; empty: the first owner
    """
    from pitbox.people import accounts

    async def made(connection: Any) -> str:
        account = await (
            accounts.find(connection, name) if name else accounts.first_owner(connection)
        )
        if account is None or account.disabled:
            raise CommandError(f"no account {name!r} that may log in: see `pitbox account list`")
        await _write_down(connection, "login link made", account.name)
        return (await accounts.login_link(connection, account.account))[0]

    print(f"{_page()}#link={_run(made)}")


def password(name: str, /) -> None:
    """Set the password of an account, and end its logins.

    Example: pitbox account password ann

    Parameters
    ----------
    name
        whose
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
    print(f"{name} has a new password, and is logged out everywhere")


def role(name: str, role: Role, /) -> None:
    """Change what an account may do.

    Example: pitbox account role ann owner

    Parameters
    ----------
    name
        whose
    role
        what it may do from now on
    """
    _change(name, role=role)
    print(f"{name} is {role}")


def disable(name: str, /) -> None:
    """Close an account; whoever uses it is out within five seconds.

    Example: pitbox account disable ann

    Parameters
    ----------
    name
        whose
    """
    _change(name, disabled=True)
    print(f"{name} may not log in any more")


def enable(name: str, /) -> None:
    """Open an account again.

    Example: pitbox account enable ann

    Parameters
    ----------
    name
        whose
    """
    _change(name, disabled=False)
    print(f"{name} may log in again")


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
        raise CommandError(str(error)) from None


def _new_password(name: str) -> str:
    from pitbox.people.passwords import HASHER, why_not

    if sys.stdin.isatty():
        word = getpass.getpass("password: ")
        if getpass.getpass("again: ") != word:
            raise CommandError("these two differ")
    else:
        word = sys.stdin.readline().rstrip("\n")
    reason = why_not(word, name)
    if reason:
        raise CommandError(reason)
    return HASHER.hash(word)


def _page() -> str:
    """Return the address of the pit wall, as the settings say."""
    served = settings.load().gateway
    name = served.names.split(",")[0].strip()
    if name:
        return f"https://{name}/"
    return f"{'https' if served.certificate else 'http'}://{served.host}:{served.port}/"
