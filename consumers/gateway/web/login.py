"""Serve the endpoints for login, refresh, logout, tickets and passwords."""

import time
from typing import Any, Final

from litestar import Request, Response, get, post, put
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotAuthorizedException
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from msgspec.structs import replace

from consumers.gateway.access.authentication import Authenticator, Visitor, address_of
from consumers.gateway.access.sockets import OpenSockets
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
SPENT: Final = "this link was used already or has expired: ask for a new one"
MAX_COOKIE_CHARACTERS: Final = 128

AnyRequest = Request[Any, Any, Any]
Auth = NamedDependency[Authenticator]
CurrentVisitor = NamedDependency[Visitor]

ERRORS: Final = {
    400: ResponseSpec(Problem, description="a field is wrong; `detail` names it"),
    401: ResponseSpec(Problem, description="not logged in, or the login has ended"),
    503: ResponseSpec(Problem, description="Postgres does not answer, or too many logins wait"),
}
ATTEMPT_ERRORS: Final = {**ERRORS, 429: ResponseSpec(Problem, description="too many attempts")}


@post("/login", status_code=200, responses=ATTEMPT_ERRORS)
async def log_in(
    request: AnyRequest, auth: Auth, data: JSONBody[Credentials]
) -> Response[LoggedIn]:
    """Log in by name and password; the refresh token is set as a cookie."""
    address = address_of(request)
    auth.count_attempt(address, data.name)
    async with auth.archive.connection() as connection:
        account = await accounts.find(connection, data.name)
    open_to = account is not None and not account.disabled
    kept = account.password if account is not None and open_to else None
    matches = await auth.passwords.matches(kept, data.password)
    async with auth.archive.connection() as connection:
        if account is None or not matches:
            known = account.account if account else None
            await audit.add(connection, known, "login refused", address=address)
            raise NotAuthorizedException(WRONG)
        answer = await _begin(connection, auth, account, "login", address)
    auth.forgive_attempt(address, data.name)
    return answer


@post("/login/link", status_code=200, responses=ATTEMPT_ERRORS)
async def log_in_by_link(
    request: AnyRequest, auth: Auth, data: JSONBody[LinkSecret]
) -> Response[LoggedIn]:
    """Log in by a one-time link."""
    address = address_of(request)
    auth.count_attempt(address)
    async with auth.archive.connection() as connection:
        account = await accounts.use_link(connection, data.secret, "login")
        if account is None:
            await audit.add(connection, None, "login by link refused", address=address)
            raise NotAuthorizedException(SPENT)
        return await _begin(connection, auth, account, "login by link", address)


@post("/invitations/accept", status_code=200, responses=ATTEMPT_ERRORS)
async def accept_invitation(
    request: AnyRequest,
    auth: Auth,
    sockets: NamedDependency[OpenSockets],
    data: JSONBody[Acceptance],
) -> Response[LoggedIn]:
    """Set an account's password by an invitation, and log in; earlier logins end."""
    address = address_of(request)
    auth.count_attempt(address)
    async with auth.archive.connection() as connection:
        invited = await accounts.peek_link(connection, data.secret, "invitation")
        if invited is None:
            await audit.add(connection, None, "invitation refused", address=address)
            raise NotAuthorizedException(SPENT)
    hashed = await _hashed(auth, data.password, invited.name)
    async with auth.archive.connection() as connection, connection.transaction():
        account = await accounts.use_link(connection, data.secret, "invitation")
        if account is None:
            raise NotAuthorizedException(SPENT)
        await accounts.set_password(connection, account.account, hashed)
        await logins.end_all(connection, account.account, "password changed")
        account = replace(account, password=hashed)
        answer = await _begin(connection, auth, account, "invitation accepted", address)
    sockets.check_now()
    return answer


@post("/refresh", status_code=200, responses=ERRORS)
async def refresh(
    request: AnyRequest, auth: Auth, sockets: NamedDependency[OpenSockets]
) -> Response[LoggedIn]:
    """Exchange the refresh token in the cookie for its successor and a new access token."""
    token = request.cookies.get(COOKIE, "")
    if not token or len(token) > MAX_COOKIE_CHARACTERS:
        raise NotAuthorizedException("log in first")
    async with auth.archive.connection() as connection:
        rotated = await logins.rotate(connection, token, auth.refresh_key)
        if rotated.outcome == "stolen":
            address = address_of(request)
            await audit.add(
                connection, rotated.account, "refresh token used again", address=address
            )
            sockets.check_now()
        sids = [rotated.sid] if rotated.sid else []
        person = (await logins.alive(connection, sids)).get(rotated.sid)
    if person is None:
        raise NotAuthorizedException("log in first")
    return _logged_in(auth, person.account, person.sid, rotated.successor, _about(person))


@post("/logout", status_code=204, responses=ERRORS)
async def log_out(
    auth: Auth, visitor: CurrentVisitor, sockets: NamedDependency[OpenSockets]
) -> Response[None]:
    """End the requester's login and delete its cookie."""
    async with auth.archive.connection() as connection:
        await logins.end(connection, visitor.person.sid, "logout")
        await audit.add(connection, visitor.person.account, "logout")
    sockets.check_now()
    return Response(None, status_code=204, cookies=[_cookie("", 0)])


@post("/logout/everywhere", status_code=204, responses=ERRORS)
async def log_out_everywhere(
    auth: Auth, visitor: CurrentVisitor, sockets: NamedDependency[OpenSockets]
) -> Response[None]:
    """End every login of the requester's account."""
    async with auth.archive.connection() as connection:
        await logins.end_all(connection, visitor.person.account, "logout everywhere")
        await audit.add(connection, visitor.person.account, "logout everywhere")
    sockets.check_now()
    return Response(None, status_code=204, cookies=[_cookie("", 0)])


@post("/ws-ticket", status_code=200, responses=ERRORS)
async def ws_ticket(auth: Auth, visitor: CurrentVisitor) -> WsTicket:
    """Make a ticket to open the WebSocket: valid once, for 30 s."""
    return WsTicket(ticket=auth.tickets.make(visitor.person.sid, time.monotonic()))


@get("/me", responses=ERRORS)
async def me(visitor: CurrentVisitor) -> Me:
    """Return the requester's name, role and driver."""
    return _about(visitor.person)


@put("/me/password", status_code=204, responses=ATTEMPT_ERRORS)
async def change_password(
    request: AnyRequest,
    auth: Auth,
    visitor: CurrentVisitor,
    sockets: NamedDependency[OpenSockets],
    data: JSONBody[PasswordChange],
) -> None:
    """Change the requester's password; all other logins of the account end."""
    person = visitor.person
    auth.count_attempt(address_of(request), person.name)
    async with auth.archive.connection() as connection:
        account = await accounts.find(connection, person.name)
    if account is None:
        raise NotAuthorizedException("log in first")
    if account.password and not await auth.passwords.matches(account.password, data.current):
        raise ClientException("current: this is not your password")
    hashed = await _hashed(auth, data.new, person.name)
    auth.forgive_attempt(address_of(request), person.name)
    async with auth.archive.connection() as connection, connection.transaction():
        await accounts.set_password(connection, person.account, hashed)
        await logins.end_all(connection, person.account, "password changed", but=person.sid)
        await audit.add(connection, person.account, "password changed")
    sockets.check_now()


def _about(person: Person) -> Me:
    return Me(
        name=person.name, role=person.role, driver=person.driver, has_password=person.has_password
    )


async def _hashed(auth: Authenticator, password: str, name: str) -> str:
    reason = why_not(password, name)
    if reason:
        raise ClientException(reason)
    return await auth.passwords.hashed(password)


async def _begin(
    connection: Any, auth: Authenticator, account: Account, action: str, address: str
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
    return _logged_in(auth, account.account, sid, token, about)


def _logged_in(
    auth: Authenticator, account: str, sid: str, refresh_token: str, about: Me
) -> Response[LoggedIn]:
    token = auth.tokens.make(account, sid)
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
