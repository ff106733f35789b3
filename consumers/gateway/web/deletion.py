"""Serve the endpoint that deletes a driver's part of a session."""

from typing import Final

from litestar import delete
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException, PermissionDeniedException
from litestar.openapi import ResponseSpec

from consumers.gateway.access.authentication import Authenticator, Visitor
from consumers.gateway.web import rest
from consumers.gateway.web.rest import Name
from pitbox.people import audit
from pitbox.postgres import deleted
from schemas.api import Problem

ERRORS: Final = {
    **rest.ERRORS,
    403: ResponseSpec(Problem, description="the role does not allow it, or it is another's"),
    409: ResponseSpec(Problem, description="the session is being driven"),
}


@delete("/sessions/{session:str}/drivers/{driver:str}", status_code=204, responses=ERRORS)
async def delete_session(
    auth: NamedDependency[Authenticator],
    visitor: NamedDependency[Visitor],
    session: Name,
    driver: Name,
) -> None:
    """Delete a driver's part of a session for good: telemetry, laps, and the copies on the PC.

    A driver can delete the own part only. A session that is being driven is not deleted.
    """
    person = visitor.person
    if person.role == "driver" and driver != person.driver:
        raise PermissionDeniedException("driver: you can delete only what you drove")
    async with auth.archive.connection() as connection, connection.transaction():
        found = await deleted.drivers(connection, session)
        if visitor.shown(driver) not in found:
            raise NotFoundException(f"driver: {driver} has no part in session {session!r}")
        if found[driver]:
            reason = deleted.driven_now(session, [driver])
            raise ClientException(f"session: {reason}", status_code=409)
        await deleted.add(connection, (session, driver), str(person.account))
        await audit.add(connection, person.account, "session deleted", f"{session} of {driver}")
