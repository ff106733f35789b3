"""Endpoints by which people come in, stay and leave."""

import time
from typing import Any, Final

from litestar import Request, Response, get, post, put
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotAuthorizedException
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from msgspec.structs import replace

from consumers.gateway.access.admissions import Admissions
from consumers.gateway.access.doors import Doors, Visitor, address_of
from pitbox.people import accounts, audit, logins
from pitbox.people.accounts import Account
from pitbox.people.logins import Person
from pitbox.people.passwords import why_not
from pitbox.people.tokens import LIFETIME_S
from schemas.api import (
    Acceptance,
    Credentials,
    LinkSecret,
    LoggedIn,
    Me,
    PasswordChange,
    Problem,
    WsTicket,
)

COOKIE: Final = "__Host-rt"
WRONG: Final = "name or password is wrong"
SPENT: Final = "this link was used already, or is too old: ask for another one"
MAX_COOKIE_CHARACTERS: Final = 128

AnyRequest = Request[Any, Any, Any]
Opened = NamedDependency[Doors]
Asking = NamedDependency[Visitor]

NO: Final = {
    400: ResponseSpec(Problem, description="something is wrong with what was sent, and what"),
    401: ResponseSpec(Problem, description="not logged in, or not any more"),
    503: ResponseSpec(Problem, description="Postgres does not answer, or too many ask at once"),
}
TRIES: Final = {**NO, 429: ResponseSpec(Problem, description="too many tries")}


@post("/login", status_code=200, responses=TRIES)
async def log_in(
    request: AnyRequest, doors: Opened, data: JSONBody[Credentials]
) -> Response[LoggedIn]:
    """Log in by name and password; the refresh token goes into a cookie."""
    address = address_of(request)
    doors.count_try(address, data.name)
    async with doors.archive.connection() as connection:
        account = await accounts.find(connection, data.name)
    open_to = account is not None and not account.disabled
    kept = account.password if account is not None and open_to else None
    fits = await doors.passwords.fits(kept, data.password)
    async with doors.archive.connection() as connection:
        if account is None or not fits:
            known = account.account if account else None
            await audit.add(connection, known, "login refused", address=address)
            raise NotAuthorizedException(WRONG)
        answer = await _begin(connection, doors, account, "login", address)
    doors.forgive_try(address, data.name)
    return answer


@post("/login/link", status_code=200, responses=TRIES)
async def log_in_by_link(
    request: AnyRequest, doors: Opened, data: JSONBody[LinkSecret]
) -> Response[LoggedIn]:
    """Log in by a link that opens once."""
    address = address_of(request)
    doors.count_try(address)
    async with doors.archive.connection() as connection:
        account = await accounts.use_link(connection, data.secret, "login")
        if account is None:
            await audit.add(connection, None, "login by link refused", address=address)
            raise NotAuthorizedException(SPENT)
        return await _begin(connection, doors, account, "login by link", address)


@post("/invitations/accept", status_code=200, responses=TRIES)
async def accept_invitation(
    request: AnyRequest,
    doors: Opened,
    admissions: NamedDependency[Admissions],
    data: JSONBody[Acceptance],
) -> Response[LoggedIn]:
    """Choose the password of an account, and log in; every login from before ends."""
    address = address_of(request)
    doors.count_try(address)
    async with doors.archive.connection() as connection:
        invited = await accounts.peek_link(connection, data.secret, "invitation")
        if invited is None:
            await audit.add(connection, None, "invitation refused", address=address)
            raise NotAuthorizedException(SPENT)
    hashed = await _hashed(doors, data.password, invited.name)
    async with doors.archive.connection() as connection, connection.transaction():
        account = await accounts.use_link(connection, data.secret, "invitation")
        if account is None:
            raise NotAuthorizedException(SPENT)
        await accounts.set_password(connection, account.account, hashed)
        await logins.end_all(connection, account.account, "password changed")
        account = replace(account, password=hashed)
        answer = await _begin(connection, doors, account, "invitation accepted", address)
    admissions.look_again()
    return answer


@post("/refresh", status_code=200, responses=NO)
async def refresh(
    request: AnyRequest, doors: Opened, admissions: NamedDependency[Admissions]
) -> Response[LoggedIn]:
    """Exchange the cookie for the next one and a new access token."""
    token = request.cookies.get(COOKIE, "")
    if not token or len(token) > MAX_COOKIE_CHARACTERS:
        raise NotAuthorizedException("log in first")
    async with doors.archive.connection() as connection:
        rotated = await logins.rotate(connection, token, doors.refresh_key)
        if rotated.outcome == "stolen":
            address = address_of(request)
            await audit.add(
                connection, rotated.account, "refresh token used again", address=address
            )
            admissions.look_again()
        sids = [rotated.sid] if rotated.sid else []
        person = (await logins.alive(connection, sids)).get(rotated.sid)
    if person is None:
        raise NotAuthorizedException("log in first")
    return _logged_in(doors, person.account, person.sid, rotated.successor, _about(person))


@post("/logout", status_code=204, responses=NO)
async def log_out(
    doors: Opened, visitor: Asking, admissions: NamedDependency[Admissions]
) -> Response[None]:
    """End this login."""
    async with doors.archive.connection() as connection:
        await logins.end(connection, visitor.person.sid, "logout")
        await audit.add(connection, visitor.person.account, "logout")
    admissions.look_again()
    return Response(None, status_code=204, cookies=[_cookie("", 0)])


@post("/logout/everywhere", status_code=204, responses=NO)
async def log_out_everywhere(
    doors: Opened, visitor: Asking, admissions: NamedDependency[Admissions]
) -> Response[None]:
    """End every login of one's own."""
    async with doors.archive.connection() as connection:
        await logins.end_all(connection, visitor.person.account, "logout everywhere")
        await audit.add(connection, visitor.person.account, "logout everywhere")
    admissions.look_again()
    return Response(None, status_code=204, cookies=[_cookie("", 0)])


@post("/ws-ticket", status_code=200, responses=NO)
async def ws_ticket(doors: Opened, visitor: Asking) -> WsTicket:
    """Make a ticket for the WebSocket."""
    return WsTicket(ticket=doors.tickets.make(visitor.person.sid, time.monotonic()))


@get("/me", responses=NO)
async def me(visitor: Asking) -> Me:
    """Say who is logged in."""
    return _about(visitor.person)


@put("/me/password", status_code=204, responses=TRIES)
async def change_password(
    request: AnyRequest,
    doors: Opened,
    visitor: Asking,
    admissions: NamedDependency[Admissions],
    data: JSONBody[PasswordChange],
) -> None:
    """Change one's own password; every other login of one's own ends."""
    person = visitor.person
    doors.count_try(address_of(request), person.name)
    async with doors.archive.connection() as connection:
        account = await accounts.find(connection, person.name)
    if account is None:
        raise NotAuthorizedException("log in first")
    if account.password and not await doors.passwords.fits(account.password, data.current):
        raise ClientException("current: is not your password")
    hashed = await _hashed(doors, data.new, person.name)
    doors.forgive_try(address_of(request), person.name)
    async with doors.archive.connection() as connection, connection.transaction():
        await accounts.set_password(connection, person.account, hashed)
        await logins.end_all(connection, person.account, "password changed", but=person.sid)
        await audit.add(connection, person.account, "password changed")
    admissions.look_again()


def _about(person: Person) -> Me:
    return Me(
        name=person.name, role=person.role, driver=person.driver, has_password=person.has_password
    )


async def _hashed(doors: Doors, password: str, name: str) -> str:
    reason = why_not(password, name)
    if reason:
        raise ClientException(reason)
    return await doors.passwords.hashed(password)


async def _begin(
    connection: Any, doors: Doors, account: Account, action: str, address: str
) -> Response[LoggedIn]:
    try:
        sid, token = await logins.begin(connection, account.account, account.password)
    except logins.ChangedError:
        raise NotAuthorizedException(WRONG) from None
    await audit.add(connection, account.account, action, address=address)
    about = Me(
        name=account.name,
        role=account.role,
        driver=account.driver,
        has_password=account.password is not None,
    )
    return _logged_in(doors, account.account, sid, token, about)


def _logged_in(
    doors: Doors, account: str, sid: str, refresh_token: str, about: Me
) -> Response[LoggedIn]:
    token = doors.tokens.make(account, sid)
    answer = LoggedIn(access_token=token, expires_s=LIFETIME_S, me=about)
    lasts_s = int(logins.IDLE.total_seconds())
    return Response(answer, status_code=200, cookies=[_cookie(refresh_token, lasts_s)])


def _cookie(value: str, lasts_s: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        max_age=lasts_s,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )
