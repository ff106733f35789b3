"""Endpoints for drivers' PCs: a code from the page, an identity for a key, and its end."""

from typing import Annotated, Any, Final, get_args

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotAuthorizedException, PermissionDeniedException
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter

from consumers.gateway.archive import Archive
from consumers.gateway.people import audit, enrolments
from consumers.gateway.people.doors import Doors, Visitor, address_of
from consumers.gateway.people.enrolments import TooManyError
from consumers.gateway.people.entrance import TRIES
from pitbox.bus import Bus, BusDown
from pitbox.drivers import DRIVERS, drivers
from pitbox.identity.proof import proves
from schemas.api import DriverAbout, EnrolledPc, EnrolmentCode, EnrolmentWish, PcKey, Problem
from schemas.keys import Enrol, Enrolled, Revoke, Revoked, UserKey
from schemas.telemetry import Token

WRONG: Final = "code: is wrong, used or too old; or it was tried too often: ask for another one"
AWAY: Final = "nobody is there to sign: try again with the same code"
UNSIGNED: Final = "nobody is there to sign: try again"
ANSWER_S: Final = 5.0
DRIVER: Final = str(get_args(Token)[1].pattern)
KEY: Final = str(get_args(UserKey)[1].pattern)
NO: Final = {**TRIES, 403: ResponseSpec(Problem, description="the role may not")}

Opened = NamedDependency[Doors]


class SigningDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say that the service that signs identities does not answer."""


@post("/enrolments", responses=NO)
async def make_code(
    doors: Opened, visitor: NamedDependency[Visitor], data: JSONBody[EnrolmentWish]
) -> EnrolmentCode:
    """Make a code for `pitbox drive --enrol CODE@HOST`; drivers make it for themselves only."""
    person = visitor.person
    if person.role == "driver" and data.driver != person.driver:
        raise PermissionDeniedException("driver: you may enrol yourself only")
    async with doors.archive.connection() as connection:
        try:
            made = await enrolments.make(connection, data.driver, person.account, doors.refresh_key)
        except TooManyError:
            raise ClientException("too many codes are open: wait for ten minutes") from None
        await audit.add(connection, person.account, "enrolment code made", data.driver)
    return EnrolmentCode(driver=data.driver, code=made.code, expires=made.expires)


@post("/enrol", status_code=200, responses=TRIES)
async def enrol(
    request: Request[Any, Any, Any],
    doors: Opened,
    bus: NamedDependency[Bus],
    data: JSONBody[PcKey],
) -> EnrolledPc:
    """Give a PC its identity for a code and the proof that it holds the key."""
    address = address_of(request)
    doors.count_try(address)
    async with doors.archive.connection() as connection:
        driver = await enrolments.tried(connection, data.code, doors.refresh_key)
        proved = proves(data.public_key, data.code, data.proof)
        if driver is None or not proved or not await enrolments.use(connection, data.code):
            await audit.add(connection, None, "enrolment refused", address=address)
            raise NotAuthorizedException(WRONG)
    enrolled = await _signed(bus, Enrol(driver=driver, public_key=data.public_key))
    async with doors.archive.connection() as connection:
        if enrolled is None or enrolled.later:
            await enrolments.give_back(connection, data.code)
            raise SigningDown(AWAY)
        if enrolled.refused:
            raise ClientException(f"driver: {enrolled.refused}")
        await audit.add(connection, None, "enrolled", driver, address)
    return EnrolledPc(driver=driver, jwt=enrolled.jwt, expires_s=enrolled.expires_s)


@get("/drivers", responses=NO)
async def list_drivers(archive: NamedDependency[Archive]) -> list[DriverAbout]:
    """List who may drive, and who was shut out."""
    async with archive.connection() as connection:
        return drivers(await connection.fetch(DRIVERS))


@post("/drivers/{driver:str}/revoke", status_code=204, responses=NO)
async def revoke(
    doors: Opened,
    visitor: NamedDependency[Visitor],
    bus: NamedDependency[Bus],
    driver: Annotated[str, PathParameter(pattern=DRIVER)],
) -> None:
    """Shut a driver out: his connections end at once, what he drives stays on his PC's disk."""
    await _revoked(bus, Revoke(driver=driver))
    async with doors.archive.connection() as connection:
        await audit.add(connection, visitor.person.account, "driver revoked", driver)


@post("/drivers/{driver:str}/pcs/{public_key:str}/revoke", status_code=204, responses=NO)
async def revoke_pc(
    doors: Opened,
    visitor: NamedDependency[Visitor],
    bus: NamedDependency[Bus],
    driver: Annotated[str, PathParameter(pattern=DRIVER)],
    public_key: Annotated[str, PathParameter(pattern=KEY)],
) -> None:
    """Shut one PC of a driver out: its connections end at once, those of his others go on."""
    await _revoked(bus, Revoke(driver=driver, pc=public_key))
    async with doors.archive.connection() as connection:
        await audit.add(connection, visitor.person.account, "PC revoked", f"{driver}: {public_key}")


async def _revoked(bus: Bus, wish: Revoke) -> None:
    try:
        answer: Revoked = await bus.request("keys.revoke", wish, timeout_s=ANSWER_S)
    except BusDown:
        raise SigningDown(UNSIGNED) from None
    if answer.later:
        raise SigningDown(UNSIGNED)
    if answer.refused:
        raise ClientException(f"driver: {answer.refused}")


async def _signed(bus: Bus, wish: Enrol) -> Enrolled | None:
    try:
        answer: Enrolled = await bus.request("keys.enrol", wish, timeout_s=ANSWER_S)
    except BusDown:
        return None
    return answer
