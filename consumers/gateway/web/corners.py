"""Serve the REST endpoints for what was derived of corners: passes, moments and debriefs."""

from typing import Any, TypeVar

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException

from consumers.gateway.past import by_lap, sessions
from consumers.gateway.past.by_lap import ByLap
from consumers.gateway.web.paging import LINK, ROWS, After, AtMost, answer, position
from consumers.gateway.web.rest import ERRORS, AnyName, CurrentVisitor, Name, Past
from schemas.base import Event
from schemas.coaching import Debrief, Moment
from schemas.passes import Passes

E = TypeVar("E", bound=Event)


@get("/sessions/{session:str}/passes", responses=ERRORS, response_headers=[LINK])
async def list_passes(
    *,
    request: Request[Any, Any, Any],
    archive: Past,
    visitor: CurrentVisitor,
    session: Name,
    driver: AnyName = None,
    after: After = "",
    limit: AtMost = ROWS,
) -> Response[list[Passes]]:
    """List how the corners of own laps were driven, 50 laps of each driver before anybody's others.

    Distances are in m from the line; `losses` are against the driver's usual way.
    """
    return await _list(by_lap.passes, request, archive, visitor, (session, driver, after, limit))


@get("/sessions/{session:str}/moments", responses=ERRORS, response_headers=[LINK])
async def list_moments(
    *,
    request: Request[Any, Any, Any],
    archive: Past,
    visitor: CurrentVisitor,
    session: Name,
    driver: AnyName = None,
    after: After = "",
    limit: AtMost = ROWS,
) -> Response[list[Moment]]:
    """List what was worth saying about laps, 50 laps of each driver before anybody's others."""
    return await _list(by_lap.moments, request, archive, visitor, (session, driver, after, limit))


@get("/sessions/{session:str}/debriefs", responses=ERRORS, response_headers=[LINK])
async def list_debriefs(
    *,
    request: Request[Any, Any, Any],
    archive: Past,
    visitor: CurrentVisitor,
    session: Name,
    driver: AnyName = None,
    after: After = "",
    limit: AtMost = ROWS,
) -> Response[list[Debrief]]:
    """List what stints show as a whole, 50 stints of each driver before anybody's others.

    `lap_number` is the first lap of a stint that counts.
    """
    return await _list(by_lap.debriefs, request, archive, visitor, (session, driver, after, limit))


async def _list(
    facts: ByLap[E],
    request: Request[Any, Any, Any],
    archive: Past,
    visitor: CurrentVisitor,
    asked: tuple[str, str | None, str, int],
) -> Response[list[E]]:
    session, driver, after, limit = asked
    at = position(after, by_lap.After)
    async with archive.connection() as connection:
        page = await facts.page(
            connection, session, hidden=visitor.hidden, limit=limit, after=at, driver=driver
        )
        if not page.rows and not await sessions.exists(connection, visitor.hidden, session):
            raise NotFoundException(f"session: no session {session!r}")
    return answer(request, page)
