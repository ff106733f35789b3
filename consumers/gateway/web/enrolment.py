"""Endpoints for drivers' PCs: a code from the page, an identity for a key, and its end."""

from typing import Annotated, Any, Final, get_args

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import (
    ClientException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
)
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter

from consumers.gateway.access.doors import Doors, Visitor, address_of
from consumers.gateway.web import nats_address
from consumers.gateway.web.login import TRIES
from pitbox.identity.proof import proves
from pitbox.nats.bus import Bus, BusDown
from pitbox.people import audit, enrolment_codes
from pitbox.people.drivers import DRIVERS, drivers
from pitbox.people.enrolment_codes import TooManyError
from pitbox.postgres.pool import Pool
from schemas.api import (
    DriverAbout,
    EnrolledPc,
    EnrolmentCode,
    EnrolmentState,
    EnrolmentWish,
    PcKey,
    Problem,
)
from schemas.keys import Enrol, Enrolled, Revoke, Revoked, UserKey
from schemas.telemetry import Token

WRONG: Final = "code: is wrong, used or too old; or it was tried too often: ask for another one"
AWAY: Final = "nobody is there to sign: try again with the same code"
SHUT_OUT: Final = "driver: was shut out, and is let in again by an owner only"
UNSIGNED: Final = "nobody is there to sign: try again"
ANSWER_S: Final = 5.0
DRIVER: Final = str(get_args(Token)[1].pattern)
UNMADE: Final = ResponseSpec(Problem, description="no code was made, or it is long gone")
KEY: Final = str(get_args(UserKey)[1].pattern)
NO: Final = {**TRIES, 403: ResponseSpec(Problem, description="the role may not")}

Opened = NamedDependency[Doors]
Asking = NamedDependency[Visitor]
Named = Annotated[str, PathParameter(pattern=DRIVER)]
Address = NamedDependency[str]


class SigningDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Say why no PC can be enrolled now: nobody signs, or nats-server has no public address."""


@post("/enrolments", responses=NO)
async def make_code(
    doors: Opened, visitor: Asking, nats_url: Address, data: JSONBody[EnrolmentWish]
) -> EnrolmentCode:
    """Make a code for `pitbox drive --enrol CODE@HOST`; drivers make it for themselves only.

    For who was shut out an owner makes it.
    """
    person = visitor.person
    _own(visitor, data.driver)
    if not nats_url:
        raise SigningDown(nats_address.UNKNOWN)
    async with doors.archive.connection() as connection:
        if person.role != "owner" and await enrolment_codes.is_shut_out(connection, data.driver):
            raise PermissionDeniedException(SHUT_OUT)
        try:
            made = await enrolment_codes.make(
                connection, data.driver, person.account, doors.refresh_key
            )
        except TooManyError:
            raise ClientException("too many codes are open: wait for ten minutes") from None
        await audit.add(connection, person.account, "enrolment code made", data.driver)
    return made


@get("/enrolments/{driver:str}", responses={**NO, 404: UNMADE})
async def code_state(doors: Opened, visitor: Asking, driver: Named) -> EnrolmentState:
    """Say what became of the last code of a driver; drivers ask for themselves only."""
    _own(visitor, driver)
    async with doors.archive.connection() as connection:
        found = await enrolment_codes.state(connection, driver)
    if found is None:
        raise NotFoundException(f"driver: {driver} has no code")
    return found


@post("/enrol", status_code=200, responses=TRIES)
async def enrol(
    request: Request[Any, Any, Any],
    doors: Opened,
    bus: NamedDependency[Bus],
    nats_url: Address,
    data: JSONBody[PcKey],
) -> EnrolledPc:
    """Give a PC its identity for a code and the proof that it holds the key."""
    address = address_of(request)
    doors.count_try(address)
    async with doors.archive.connection() as connection:
        opened = await enrolment_codes.tried(connection, data.code, doors.refresh_key)
        proved = proves(data.public_key, data.code, data.proof)
        if not opened or not proved or not await enrolment_codes.use(connection, opened, data.pc):
            await audit.add(connection, None, "enrolment refused", address=address)
            raise NotAuthorizedException(WRONG)
    enrolled = await _signed(
        bus, Enrol(driver=opened.driver, public_key=data.public_key, pc=data.pc)
    )
    async with doors.archive.connection() as connection:
        if enrolled is None or enrolled.later:
            await enrolment_codes.give_back(connection, opened)
            raise SigningDown(AWAY)
        if enrolled.refused:
            raise ClientException(f"driver: {enrolled.refused}")
        about = f"{opened.driver} on {data.pc}" if data.pc else opened.driver
        await audit.add(connection, None, "enrolled", about, address)
    return EnrolledPc(
        driver=opened.driver,
        jwt=enrolled.jwt,
        expires_s=enrolled.expires_s,
        nats_url=nats_url,
    )


@get("/drivers", responses=NO)
async def list_drivers(archive: NamedDependency[Pool]) -> list[DriverAbout]:
    """List who may drive, and who was shut out."""
    async with archive.connection() as connection:
        return drivers(await connection.fetch(DRIVERS))


@post("/drivers/{driver:str}/revoke", status_code=204, responses=NO)
async def revoke(doors: Opened, visitor: Asking, bus: NamedDependency[Bus], driver: Named) -> None:
    """Shut a driver out: his connections end at once, what he drives stays on his PC's disk."""
    await _revoked(bus, Revoke(driver=driver))
    async with doors.archive.connection() as connection:
        await audit.add(connection, visitor.person.account, "driver revoked", driver)


@post("/drivers/{driver:str}/pcs/{public_key:str}/revoke", status_code=204, responses=NO)
async def revoke_pc(
    doors: Opened,
    visitor: Asking,
    bus: NamedDependency[Bus],
    driver: Named,
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


def _own(visitor: Visitor, driver: str) -> None:
    if visitor.person.role == "driver" and driver != visitor.person.driver:
        raise PermissionDeniedException("driver: you may enrol yourself only")


async def _signed(bus: Bus, wish: Enrol) -> Enrolled | None:
    try:
        answer: Enrolled = await bus.request("keys.enrol", wish, timeout_s=ANSWER_S)
    except BusDown:
        return None
    return answer
