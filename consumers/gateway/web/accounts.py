"""Endpoints for accounts, consents and the audit log."""

from typing import Annotated, Any, Final, get_args

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter

from consumers.gateway.access.admissions import Admissions
from consumers.gateway.access.doors import Doors, Visitor
from consumers.gateway.web.login import NO as NOT_IN
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
NO: Final = {
    **NOT_IN,
    403: ResponseSpec(Problem, description="the role may not"),
    404: ResponseSpec(Problem, description="there is no such account"),
}

Opened = NamedDependency[Doors]
Asking = NamedDependency[Visitor]
Present = NamedDependency[Admissions]


@get("/accounts", responses=NO)
async def list_accounts(doors: Opened) -> list[AccountAbout]:
    """List accounts by name."""
    async with doors.archive.connection() as connection:
        return await accounts.every(connection)


@post("/accounts", responses=NO)
async def invite(doors: Opened, visitor: Asking, data: JSONBody[Invitation]) -> Invited:
    """Invite somebody: the secret belongs into `/#invitation=…`, and opens once."""
    async with doors.archive.connection() as connection, connection.transaction():
        try:
            secret, expires = await accounts.invite(connection, data)
        except RefusedError as error:
            raise ClientException(str(error)) from None
        about = f"{data.name} as {data.role}"
        await audit.add(connection, visitor.person.account, "invited", about)
    return Invited(name=data.name, secret=secret, expires=expires)


@post("/accounts/{name:str}/invitation", responses=NO)
async def invite_again(doors: Opened, visitor: Asking, name: Named) -> Invited:
    """Make a link by which somebody chooses another password, in place of one that is forgotten."""
    async with doors.archive.connection() as connection, connection.transaction():
        account = _found(await accounts.find(connection, name), name)
        try:
            secret, expires = await accounts.invite_again(connection, account)
        except RefusedError as error:
            raise ClientException(str(error)) from None
        await audit.add(connection, visitor.person.account, "invited again", name)
    return Invited(name=name, secret=secret, expires=expires)


@put("/accounts/{name:str}", status_code=204, responses=NO)
async def change_account(
    doors: Opened, visitor: Asking, admissions: Present, name: Named, data: JSONBody[AccountChange]
) -> None:
    """Change the role of an account, or disable it; whoever is disabled is out at once."""
    async with doors.archive.connection() as connection, connection.transaction():
        try:
            account = await accounts.change(connection, name, data.role, data.disabled)
        except RefusedError as error:
            raise ClientException(str(error)) from None
        _found(account, name)
        changes = [f"role {data.role}"] if data.role else []
        changes += ["disabled" if data.disabled else "enabled"] if data.disabled is not None else []
        about = f"{name}: {', '.join(changes) or 'nothing'}"
        await audit.add(connection, visitor.person.account, "account changed", about)
    admissions.look_again()


@post("/accounts/{name:str}/logout", status_code=204, responses=NO)
async def log_somebody_out(
    doors: Opened, visitor: Asking, admissions: Present, name: Named
) -> None:
    """End every login of an account."""
    async with doors.archive.connection() as connection, connection.transaction():
        account = _found(await accounts.find(connection, name), name)
        await logins.end_all(connection, account.account, "ended by an owner")
        await audit.add(connection, visitor.person.account, "logged out", name)
    admissions.look_again()


@get("/consents", responses=NO)
async def list_consents(doors: Opened, visitor: Asking) -> list[Consent]:
    """List who sees what: of everyone for owners, of themselves for drivers."""
    async with doors.archive.connection() as connection:
        held = await consent.in_force(connection)
    if visitor.person.role == "owner":
        return held
    return [one for one in held if one.driver == visitor.person.driver]


@put("/consents", status_code=204, responses=NO)
async def decide(
    doors: Opened, visitor: Asking, admissions: Present, data: JSONBody[Decision]
) -> None:
    """Decide who sees what of oneself; what is taken back ends within five seconds."""
    driver = visitor.person.driver
    if driver is None:
        raise ClientException("your account has no driver: ask an owner to set it")
    decision = Consent(driver=driver, kind=data.kind, role=data.role, allowed=data.allowed)
    async with doors.archive.connection() as connection, connection.transaction():
        await consent.decide(connection, decision)
        about = f"{data.kind} for {data.role}: {'yes' if data.allowed else 'no'}"
        await audit.add(connection, visitor.person.account, "consent", about)
    admissions.look_again()


@get("/audit", responses=NO)
async def list_audit(
    doors: Opened, before: Before = 2**63 - 1, limit: Count = 100
) -> list[AuditEntry]:
    """List what people did at the doors, the latest first."""
    async with doors.archive.connection() as connection:
        return await audit.latest(connection, before, limit)


def _found(account: Any, name: str) -> Any:
    if account is None:
        raise NotFoundException(f"name: there is no account {name!r}")
    return account
