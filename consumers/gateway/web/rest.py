"""Serve the REST endpoints for health, channels, sessions, laps and holes."""

from typing import Annotated, Any, Final, TypeVar, get_args

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import (
    NotFoundException,
)
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, PathParameter, QueryParameter

from consumers.gateway.access.authentication import Visitor
from consumers.gateway.past import cars, holes, laps, sessions
from consumers.gateway.web import nats_address
from consumers.gateway.web.paging import LINK, ROWS, After, AtMost, answer, position
from pitbox.nats.bus import Bus
from pitbox.postgres.pool import Pool
from pitbox.topology.asyncapi import asyncapi
from schemas.api import CarsAt, ChannelAbout, Health, Hole, Problem, Ready, SessionSummary
from schemas.channels import CHANNELS
from schemas.telemetry import Token
from schemas.timing import Lap

Past = NamedDependency[Pool]
CurrentVisitor = NamedDependency[Visitor]
# Litestar reads its own constraints only, not those of msgspec.
TOKEN: Final = str(get_args(Token)[1].pattern)
Name = Annotated[str, PathParameter(pattern=TOKEN)]
AnyName = Annotated[str | None, QueryParameter(pattern=TOKEN)]
FOREVER_NS: Final = 2**63 - 1
Nanoseconds = Annotated[int, QueryParameter(ge=0, le=FOREVER_NS, description="ns since 1970")]
ERRORS: Final = {
    400: ResponseSpec(Problem, description="a parameter is wrong; `detail` names it"),
    401: ResponseSpec(Problem, description="not logged in, or the login has ended"),
    404: ResponseSpec(Problem, description="not found"),
    503: ResponseSpec(
        Problem, description="Postgres does not answer, or there is no memory for the answer"
    ),
}

Found = TypeVar("Found")


@get("/health")
async def health() -> Health:
    """Return 200 while the process runs; checks neither NATS nor Postgres."""
    return Health()


@get("/ready")
async def ready(
    archive: Past, bus: NamedDependency[Bus], nats_url: NamedDependency[str]
) -> Response[Ready]:
    """Return whether NATS and Postgres answer; status 503 unless both do."""
    notes = () if nats_url else (nats_address.UNKNOWN,)
    answer = Ready(nats=bus.up.is_set(), postgres=await archive.ready(), notes=notes)
    return Response(answer, status_code=200 if answer.nats and answer.postgres else 503)


@get("/channels")
async def list_channels() -> list[ChannelAbout]:
    """List every telemetry channel; a car has some of them."""
    return [
        ChannelAbout(id=c.id, name=c.name, unit=c.unit, motec=c.motec, about=c.about)
        for c in CHANNELS
    ]


@get("/streams.json", media_type="application/json")
async def streams(bus: NamedDependency[Bus]) -> dict[str, Any]:
    """Describe every stream and event as an AsyncAPI document."""
    return asyncapi(bus.topology)


@get("/sessions", responses=ERRORS, response_headers=[LINK])
async def list_sessions(
    request: Request[Any, Any, Any],
    archive: Past,
    visitor: CurrentVisitor,
    after: After = "",
    limit: AtMost = ROWS,
) -> Response[list[SessionSummary]]:
    """List sessions, newest first.

    The newest 50 of each driver come before anybody's older ones.
    """
    at = position(after, sessions.After)
    async with archive.connection() as connection:
        page = await sessions.summaries(connection, hidden=visitor.hidden, limit=limit, after=at)
    return answer(request, page)


@get("/sessions/{session:str}", responses=ERRORS)
async def one_session(archive: Past, visitor: CurrentVisitor, session: Name) -> SessionSummary:
    """Return the summary of one session."""
    async with archive.connection() as connection:
        found = await sessions.summary(connection, visitor.hidden, session)
    return _found(found, f"session: no session {session!r}")


@get("/sessions/{session:str}/laps", responses=ERRORS, response_headers=[LINK])
async def list_laps(
    *,
    request: Request[Any, Any, Any],
    archive: Past,
    visitor: CurrentVisitor,
    session: Name,
    driver: AnyName = None,
    own: FromQuery[bool | None] = None,
    after: After = "",
    limit: AtMost = ROWS,
) -> Response[list[Lap]]:
    """List laps of a session, the first 50 of each driver before anybody's others.

    `driver` selects the laps recorded by one driver's PC; `own` the laps of that PC's own car
    (true) or of other cars (false).
    """
    at = position(after, laps.After)
    async with archive.connection() as connection:
        page = await laps.laps(
            connection,
            session,
            hidden=visitor.hidden,
            limit=limit,
            after=at,
            driver=driver,
            own=own,
        )
        if not page.rows and not await sessions.exists(connection, visitor.hidden, session):
            raise NotFoundException(f"session: no session {session!r}")
    return answer(request, page)


@get("/sessions/{session:str}/holes", responses=ERRORS, response_headers=[LINK])
async def list_holes(
    *,
    request: Request[Any, Any, Any],
    archive: Past,
    visitor: CurrentVisitor,
    session: Name,
    after: After = "",
    limit: AtMost = ROWS,
) -> Response[list[Hole]]:
    """List the ranges of chunks that Postgres lacks, 50 of each driver before anybody's others."""
    at = position(after, holes.After)
    async with archive.connection() as connection:
        page = await holes.holes(connection, session, hidden=visitor.hidden, limit=limit, after=at)
    return answer(request, page)


@get("/sessions/{session:str}/drivers/{driver:str}/cars", responses=ERRORS)
async def cars_at(
    *, archive: Past, visitor: CurrentVisitor, session: Name, driver: Name, at_ns: Nanoseconds
) -> CarsAt:
    """Return the race at an instant by the driver's clock: all cars that the sim showed.

    While a driver is hidden from the visitor it is the own car only.
    """
    found = await cars.cars_at(
        archive, session, driver, visitor.shown(driver), at_ns, hides=bool(visitor.hidden)
    )
    return _found(found, f"at_ns: {driver} has no cars of session {session!r} at {at_ns}")


def _found(thing: Found | None, otherwise: str) -> Found:
    if thing is None:
        raise NotFoundException(otherwise)
    return thing
