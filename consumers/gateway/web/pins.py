"""Serve the endpoints that keep a session from retention."""

from typing import Any, Final

from litestar import delete, put
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.openapi import ResponseSpec

from consumers.gateway.access.authentication import Authenticator, Visitor
from consumers.gateway.web import rest
from consumers.gateway.web.rest import Name
from pitbox.people import audit
from pitbox.postgres import deleted, pins
from schemas.api import Problem

ERRORS: Final = {
    **rest.ERRORS,
    403: ResponseSpec(Problem, description="the role does not allow it"),
}

Auth = NamedDependency[Authenticator]
CurrentVisitor = NamedDependency[Visitor]


@put("/sessions/{session:str}/pin", status_code=204, responses=ERRORS)
async def pin(auth: Auth, visitor: CurrentVisitor, session: Name) -> None:
    """Keep a session: retention removes nothing of it."""
    account = visitor.person.account
    async with auth.archive.connection() as connection, connection.transaction():
        await _shown(connection, visitor, session)
        await pins.pin(connection, session, str(account))
        await audit.add(connection, account, "session pinned", session)


@delete("/sessions/{session:str}/pin", status_code=204, responses=ERRORS)
async def unpin(auth: Auth, visitor: CurrentVisitor, session: Name) -> None:
    """Let retention remove a session again; nothing changes for one that is not pinned."""
    account = visitor.person.account
    async with auth.archive.connection() as connection, connection.transaction():
        await _shown(connection, visitor, session)
        if await pins.unpin(connection, session):
            await audit.add(connection, account, "session not pinned any more", session)


async def _shown(connection: Any, visitor: Visitor, session: str) -> None:
    """Raise NotFoundException unless a driver of the session is visible."""
    drivers = await deleted.drivers(connection, session)
    if not any(visitor.shown(driver) for driver in drivers):
        raise NotFoundException(f"session: no session {session!r}")
