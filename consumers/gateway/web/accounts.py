"""Serve the endpoints for accounts, consents and the audit log."""

from typing import Annotated, Any, Final, get_args

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter

from consumers.gateway.access.authentication import Authenticator, Visitor
from consumers.gateway.access.sockets import OpenSockets
from consumers.gateway.web.login import ERRORS as LOGIN_ERRORS
from pitbox.people import accounts, audit, consent, logins
from pitbox.people.accounts import RefusedError
from schemas.api import (
    AccountAbout,
    AccountChange,
    AccountName,
    AuditEntry,
    Consent,
    Decision,
    Invitation,
    Invited,
    Problem,
)

# Litestar reads its own constraints only, not those of msgspec.
NAME: Final = str(get_args(AccountName)[1].pattern)
Named = Annotated[str, PathParameter(pattern=NAME)]
Before = Annotated[int, QueryParameter(ge=1, le=2**63 - 1, description="only entries before this")]
Count = Annotated[int, QueryParameter(ge=1, le=500)]
ERRORS: Final = {
    **LOGIN_ERRORS,
    403: ResponseSpec(Problem, description="the role does not allow it"),
    404: ResponseSpec(Problem, description="no such account"),
}

Auth = NamedDependency[Authenticator]
CurrentVisitor = NamedDependency[Visitor]
Sockets = NamedDependency[OpenSockets]


@get("/accounts", responses=ERRORS)
async def list_accounts(auth: Auth) -> list[AccountAbout]:
    """List accounts by name."""
    async with auth.archive.connection() as connection:
        return await accounts.every(connection)


@post("/accounts", responses=ERRORS)
async def invite(auth: Auth, visitor: CurrentVisitor, data: JSONBody[Invitation]) -> Invited:
    """Invite a person: make an account without a password and a link to choose one.

    The link is the page's address with `/#invitation=SECRET`. It can be used once.
    """
    async with auth.archive.connection() as connection, connection.transaction():
        try:
            secret, expires = await accounts.invite(connection, data)
        except RefusedError as error:
            raise ClientException(str(error)) from None
        about = f"{data.name} as {data.role}"
        await audit.add(connection, visitor.person.account, "invited", about)
    return Invited(name=data.name, secret=secret, expires=expires)


@post("/accounts/{name:str}/invitation", responses=ERRORS)
async def invite_again(auth: Auth, visitor: CurrentVisitor, name: Named) -> Invited:
    """Make a link to choose a new password for an account, for example a forgotten one."""
    async with auth.archive.connection() as connection, connection.transaction():
        account = _found(await accounts.find(connection, name), name)
        try:
            secret, expires = await accounts.invite_again(connection, account)
        except RefusedError as error:
            raise ClientException(str(error)) from None
        await audit.add(connection, visitor.person.account, "invited again", name)
    return Invited(name=name, secret=secret, expires=expires)


@put("/accounts/{name:str}", status_code=204, responses=ERRORS)
async def change_account(
    auth: Auth,
    visitor: CurrentVisitor,
    sockets: Sockets,
    name: Named,
    data: JSONBody[AccountChange],
) -> None:
    """Change an account's role, or disable or enable it; disabling ends its logins at once."""
    async with auth.archive.connection() as connection, connection.transaction():
        try:
            account = await accounts.change(connection, name, data.role, data.disabled)
        except RefusedError as error:
            raise ClientException(str(error)) from None
        _found(account, name)
        changes = [f"role {data.role}"] if data.role else []
        changes += ["disabled" if data.disabled else "enabled"] if data.disabled is not None else []
        about = f"{name}: {', '.join(changes) or 'nothing'}"
        await audit.add(connection, visitor.person.account, "account changed", about)
    sockets.check_now()


@post("/accounts/{name:str}/logout", status_code=204, responses=ERRORS)
async def end_logins(auth: Auth, visitor: CurrentVisitor, sockets: Sockets, name: Named) -> None:
    """End every login of an account."""
    async with auth.archive.connection() as connection, connection.transaction():
        account = _found(await accounts.find(connection, name), name)
        await logins.end_all(connection, account.account, "ended by an owner")
        await audit.add(connection, visitor.person.account, "logged out", name)
    sockets.check_now()


@get("/consents", responses=ERRORS)
async def list_consents(auth: Auth, visitor: CurrentVisitor) -> list[Consent]:
    """List consents: an owner gets those of every driver, a driver only the own ones."""
    async with auth.archive.connection() as connection:
        held = await consent.in_force(connection)
    if visitor.person.role == "owner":
        return held
    return [one for one in held if one.driver == visitor.person.driver]


@put("/consents", status_code=204, responses=ERRORS)
async def decide(
    auth: Auth, visitor: CurrentVisitor, sockets: Sockets, data: JSONBody[Decision]
) -> None:
    """Allow or deny a role one kind of the requester's own data.

    A withdrawn consent takes effect within five seconds, on open pages too.
    """
    driver = visitor.person.driver
    if driver is None:
        raise ClientException("your account has no driver: ask an owner to set one")
    decision = Consent(driver=driver, kind=data.kind, role=data.role, allowed=data.allowed)
    async with auth.archive.connection() as connection, connection.transaction():
        await consent.decide(connection, decision)
        about = f"{data.kind} for {data.role}: {'yes' if data.allowed else 'no'}"
        await audit.add(connection, visitor.person.account, "consent", about)
    sockets.check_now()


@get("/audit", responses=ERRORS)
async def list_audit(
    auth: Auth, before: Before = 2**63 - 1, limit: Count = 100
) -> list[AuditEntry]:
    """List entries of the audit log, newest first."""
    async with auth.archive.connection() as connection:
        return await audit.latest(connection, before, limit)


def _found(account: Any, name: str) -> Any:
    if account is None:
        raise NotFoundException(f"name: no account {name!r}")
    return account
