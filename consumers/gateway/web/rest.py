"""Serve the REST endpoints for health, channels, sessions, laps and telemetry."""

from typing import Annotated, Any, Final, TypeVar, get_args

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import (
    ClientException,
    NotFoundException,
    ServiceUnavailableException,
)
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, PathParameter, QueryParameter
from litestar.response import Stream

from consumers.gateway import metrics
from consumers.gateway.access.authentication import Visitor
from consumers.gateway.past import holes, laps, sessions
from consumers.gateway.past.formats import MEDIA_TYPES, Format, accepted
from consumers.gateway.past.telemetry import NoMemory, Question, TelemetryReader, TooMuch
from consumers.gateway.web import nats_address
from consumers.gateway.web.paging import LINK, ROWS, After, AtMost, answer, position
from consumers.gateway.web.sending import FULL, RETRY_S, hold_of
from pitbox.nats.bus import Bus
from pitbox.postgres.pool import Pool
from pitbox.topology.asyncapi import asyncapi
from schemas.api import ChannelAbout, Health, Hole, Problem, Ready, SessionSummary, Traces
from schemas.channels import CHANNEL_BY_NAME, CHANNELS
from schemas.telemetry import Token
from schemas.timing import Lap

FOREVER_NS: Final = 2**63 - 1

Past = NamedDependency[Pool]
Telemetry = NamedDependency[TelemetryReader]
CurrentVisitor = NamedDependency[Visitor]
# Litestar reads its own constraints only, not those of msgspec.
TOKEN: Final = str(get_args(Token)[1].pattern)
Name = Annotated[str, PathParameter(pattern=TOKEN)]
AnyName = Annotated[str | None, QueryParameter(pattern=TOKEN)]
LapNumber = Annotated[int, PathParameter(ge=0, le=2**31 - 1)]
Nanoseconds = Annotated[int, QueryParameter(ge=0, le=FOREVER_NS, description="ns since 1970")]
ChannelList = Annotated[
    str,
    QueryParameter(
        max_length=8192, description="channel names separated by commas; empty: all of the car"
    ),
]
FormatName = Annotated[
    Format | None, QueryParameter(description="default: by the Accept header, else json")
]
ERRORS: Final = {
    400: ResponseSpec(Problem, description="a parameter is wrong; `detail` names it"),
    401: ResponseSpec(Problem, description="not logged in, or the login has ended"),
    404: ResponseSpec(Problem, description="not found"),
    503: ResponseSpec(
        Problem, description="Postgres does not answer, or there is no memory for the answer"
    ),
}
TRACES: Final = {200: ResponseSpec(Traces, description="JSON; PackedTraces as msgpack"), **ERRORS}

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


@get(
    "/sessions/{session:str}/drivers/{driver:str}/laps/{lap_number:str}/telemetry", responses=TRACES
)
async def lap_telemetry(
    *,
    request: Request[Any, Any, Any],
    archive: Past,
    telemetry: Telemetry,
    visitor: CurrentVisitor,
    session: Name,
    driver: Name,
    lap_number: LapNumber,
    channels: ChannelList = "",
    format: FormatName = None,
) -> Stream:
    """Return channels over one lap of a driver's own car.

    The answer is `Traces` as JSON, `PackedTraces` as msgpack, or CSV.
    """
    async with archive.connection() as connection:
        lap = await laps.own_lap(connection, session, visitor.shown(driver), lap_number)
    lap = _found(lap, f"lap_number: {driver} has no lap {lap_number} in session {session!r}")
    if lap.started_ns is None:
        raise NotFoundException(f"lap_number: lap {lap_number} has no telemetry")
    asked = Question(
        session=session,
        driver=driver,
        shown=visitor.shown(driver),
        from_ns=lap.started_ns,
        to_ns=FOREVER_NS if lap.ended_ns is None else lap.ended_ns,
        channels=_channel_ids(channels),
        lap=lap,
    )
    return await _answer(request, telemetry, format, asked)


@get("/sessions/{session:str}/drivers/{driver:str}/telemetry", responses=TRACES)
async def range_telemetry(
    *,
    request: Request[Any, Any, Any],
    telemetry: Telemetry,
    visitor: CurrentVisitor,
    session: Name,
    driver: Name,
    from_ns: Nanoseconds,
    to_ns: Nanoseconds,
    channels: ChannelList = "",
    format: FormatName = None,
) -> Stream:
    """Return channels over a time range by the driver's clock.

    The answer is `Traces` as JSON, `PackedTraces` as msgpack, or CSV.
    """
    if from_ns > to_ns:
        raise ClientException("from_ns: must not be after to_ns")
    asked = Question(
        session=session,
        driver=driver,
        shown=visitor.shown(driver),
        from_ns=from_ns,
        to_ns=to_ns,
        channels=_channel_ids(channels),
    )
    return await _answer(request, telemetry, format, asked)


async def _answer(
    request: Request[Any, Any, Any],
    telemetry: TelemetryReader,
    given: Format | None,
    asked: Question,
) -> Stream:
    form = given or accepted(request.headers.get("accept", ""))
    hold = hold_of(request.scope)
    hold.own(request.state.visitor.person.account)
    try:
        with metrics.answer_s.labels(form).time():
            pieces = await telemetry.traces(form, asked, hold)
    except TooMuch as error:
        raise ClientException(str(error)) from None
    except NoMemory:
        raise ServiceUnavailableException(FULL, headers={"retry-after": str(RETRY_S)}) from None
    return Stream(pieces, media_type=MEDIA_TYPES[form], headers={"vary": "accept"})


def _channel_ids(names: str) -> tuple[int, ...] | None:
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in CHANNEL_BY_NAME:
            raise ClientException(f"channels: no channel {name!r}: /api/v1/channels lists them")
    return tuple(CHANNEL_BY_NAME[name].id for name in wanted) or None


def _found(thing: Found | None, otherwise: str) -> Found:
    if thing is None:
        raise NotFoundException(otherwise)
    return thing
