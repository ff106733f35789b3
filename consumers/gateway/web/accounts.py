"""Serve the endpoints for accounts, consents and the audit log."""

from typing import Annotated, Any, Final, get_args

from litestar import Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter

from consumers.gateway.access.authentication import Authenticator, Visitor
from consumers.gateway.access.sockets import OpenSockets
from consumers.gateway.web.login import ERRORS as LOGIN_ERRORS
from consumers.gateway.web.paging import LINK, ROWS, After, AtMost, answer, position
from pitbox.people import accounts, audit, consent, logins
from pitbox.people.accounts import RefusedError
from pitbox.postgres.page import Long, Text
from pitbox.postgres.page import page as paged
from schemas.api import (
    AccountAbout,
    AccountChange,
    AccountName,
    AuditEntry,
    Consent,
    Decision,
    Invitation,
    Invited,
    Kind,
    Problem,
    Role,
)

# Litestar reads its own constraints only, not those of msgspec.
NAME: Final = str(get_args(AccountName)[1].pattern)
Named = Annotated[str, PathParameter(pattern=NAME)]
NEWEST: Final = 2**63 - 1
ERRORS: Final = {
    **LOGIN_ERRORS,
    403: ResponseSpec(Problem, description="the role does not allow it"),
    404: ResponseSpec(Problem, description="no such account"),
}

Auth = NamedDependency[Authenticator]
CurrentVisitor = NamedDependency[Visitor]
Sockets = NamedDependency[OpenSockets]


@get("/accounts", responses=ERRORS, response_headers=[LINK])
async def list_accounts(
    request: Request[Any, Any, Any], auth: Auth, after: After = "", limit: AtMost = ROWS
) -> Response[list[AccountAbout]]:
    """List accounts by name."""
    at = position(after, Text) or ""
    async with auth.archive.connection() as connection:
        page = await accounts.listed(connection, at, limit)
    return answer(request, page)


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


@get("/consents", responses=ERRORS, response_headers=[LINK])
async def list_consents(
    request: Request[Any, Any, Any],
    auth: Auth,
    visitor: CurrentVisitor,
    after: After = "",
    limit: AtMost = ROWS,
) -> Response[list[Consent]]:
    """List consents by driver: an owner gets those of every driver, a driver only the own ones."""
    at = position(after, tuple[str, Kind, Role])
    async with auth.archive.connection() as connection:
        held = await consent.in_force(connection)
    everybody, own = visitor.person.role == "owner", visitor.person.driver
    seen = sorted((one for one in held if everybody or one.driver == own), key=_of_whom)
    rest = [one for one in seen if at is None or _of_whom(one) > at]
    return answer(request, paged(rest, limit, lambda one: one, _of_whom))


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


@get("/audit", responses=ERRORS, response_headers=[LINK])
async def list_audit(
    request: Request[Any, Any, Any], auth: Auth, after: After = "", limit: AtMost = ROWS
) -> Response[list[AuditEntry]]:
    """List entries of the audit log, newest first."""
    at = position(after, Long)
    async with auth.archive.connection() as connection:
        page = await audit.latest(connection, NEWEST if at is None else at, limit)
    return answer(request, page)


def _of_whom(one: Consent) -> tuple[str, Kind, Role]:
    return one.driver, one.kind, one.role


def _found(account: Any, name: str) -> Any:
    if account is None:
        raise NotFoundException(f"name: no account {name!r}")
    return account
