"""Serve the REST endpoints for telemetry: of a lap, and of a time range."""

from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.exceptions import (
    ClientException,
    NotFoundException,
    ServiceUnavailableException,
)
from litestar.openapi import ResponseSpec
from litestar.params import PathParameter, QueryParameter
from litestar.response import Stream

from consumers.gateway import metrics
from consumers.gateway.past import laps
from consumers.gateway.past.formats import MEDIA_TYPES, Format, accepted
from consumers.gateway.past.telemetry import NoMemory, Question, TelemetryReader, TooMuch
from consumers.gateway.web.rest import (
    ERRORS,
    FOREVER_NS,
    CurrentVisitor,
    Name,
    Nanoseconds,
    Past,
)
from consumers.gateway.web.sending import FULL, RETRY_S, hold_of
from schemas.api import Traces
from schemas.channels import CHANNEL_BY_NAME

Telemetry = NamedDependency[TelemetryReader]
LapNumber = Annotated[int, PathParameter(ge=0, le=2**31 - 1)]
ChannelList = Annotated[
    str,
    QueryParameter(
        max_length=8192, description="channel names separated by commas; empty: all of the car"
    ),
]
FormatName = Annotated[
    Format | None, QueryParameter(description="default: by the Accept header, else json")
]
TRACES: Final = {200: ResponseSpec(Traces, description="JSON; PackedTraces as msgpack"), **ERRORS}


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
    if lap is None:
        raise NotFoundException(
            f"lap_number: {driver} has no lap {lap_number} in session {session!r}"
        )
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
        metrics.refused.inc()
        raise ServiceUnavailableException(FULL, headers={"retry-after": str(RETRY_S)}) from None
    return Stream(pieces, media_type=MEDIA_TYPES[form], headers={"vary": "accept"})


def _channel_ids(names: str) -> tuple[int, ...] | None:
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in CHANNEL_BY_NAME:
            raise ClientException(f"channels: no channel {name!r}: /api/v1/channels lists them")
    return tuple(CHANNEL_BY_NAME[name].id for name in wanted) or None
