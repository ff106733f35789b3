"""Serve the endpoints for drivers' PCs: make a code, enrol a PC by a code, revoke PCs."""

from typing import Annotated, Any, Final, get_args

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import (
    ClientException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
)
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter

from consumers.gateway.access.authentication import Authenticator, Visitor, address_of
from consumers.gateway.web import nats_address
from consumers.gateway.web.login import ATTEMPT_ERRORS
from consumers.gateway.web.paging import LINK, ROWS, After, AtMost, answer, position
from pitbox.identity.proof import proves
from pitbox.nats.bus import Bus, BusDown
from pitbox.people import audit, drivers, enrolment_codes
from pitbox.people.enrolment_codes import TooManyError
from pitbox.postgres.page import Text
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

WRONG: Final = "code: is wrong, used, expired or was tried too often: ask for a new one"
AWAY: Final = "the service keys does not answer: try again with the same code"
SHUT_OUT: Final = "driver: was revoked: only an owner can make a new code"
UNSIGNED: Final = "the service keys does not answer: try again"
ANSWER_S: Final = 5.0
DRIVER: Final = str(get_args(Token)[1].pattern)
UNMADE: Final = ResponseSpec(Problem, description="the driver has no code, or it was deleted")
KEY: Final = str(get_args(UserKey)[1].pattern)
ERRORS: Final = {
    **ATTEMPT_ERRORS,
    403: ResponseSpec(Problem, description="the role does not allow it"),
}

Auth = NamedDependency[Authenticator]
CurrentVisitor = NamedDependency[Visitor]
Named = Annotated[str, PathParameter(pattern=DRIVER)]
Address = NamedDependency[str]


class SigningDown(Exception):  # noqa: N818 - a state of the world, not a mistake
    """Report that no PC can be enrolled or revoked now; the message says why.

    Either `keys` does not answer, or no public address of nats-server is known.
    """


@post("/enrolments", responses=ERRORS)
async def make_code(
    auth: Auth, visitor: CurrentVisitor, nats_url: Address, data: JSONBody[EnrolmentWish]
) -> EnrolmentCode:
    """Make a code for `pitbox drive --enrol CODE@HOST`.

    A driver can make a code for oneself only. Only an owner can make one for a revoked driver.
    """
    person = visitor.person
    _own(visitor, data.driver)
    if not nats_url:
        raise SigningDown(nats_address.UNKNOWN)
    async with auth.archive.connection() as connection:
        if person.role != "owner" and await enrolment_codes.is_shut_out(connection, data.driver):
            raise PermissionDeniedException(SHUT_OUT)
        try:
            made = await enrolment_codes.make(
                connection, data.driver, person.account, auth.refresh_key
            )
        except TooManyError:
            raise ClientException("too many unused codes: wait ten minutes") from None
        await audit.add(connection, person.account, "enrolment code made", data.driver)
    return made


@get("/enrolments/{driver:str}", responses={**ERRORS, 404: UNMADE})
async def code_state(auth: Auth, visitor: CurrentVisitor, driver: Named) -> EnrolmentState:
    """Return the state of a driver's latest code; a driver can read the own one only."""
    _own(visitor, driver)
    async with auth.archive.connection() as connection:
        found = await enrolment_codes.state(connection, driver)
    if found is None:
        raise NotFoundException(f"driver: {driver} has no code")
    return found


@post("/enrol", status_code=200, responses=ATTEMPT_ERRORS)
async def enrol(
    request: Request[Any, Any, Any],
    auth: Auth,
    bus: NamedDependency[Bus],
    nats_url: Address,
    data: JSONBody[PcKey],
) -> EnrolledPc:
    """Enrol a PC: exchange a code, and the proof that the PC holds the key, for an identity."""
    address = address_of(request)
    auth.count_attempt(address)
    async with auth.archive.connection() as connection:
        correct = await enrolment_codes.check(connection, data.code, auth.refresh_key)
        proved = proves(data.public_key, data.code, data.proof)
        if not correct or not proved or not await enrolment_codes.use(connection, correct, data.pc):
            await audit.add(connection, None, "enrolment refused", address=address)
            raise NotAuthorizedException(WRONG)
    enrolled = await _signed(
        bus, Enrol(driver=correct.driver, public_key=data.public_key, pc=data.pc)
    )
    async with auth.archive.connection() as connection:
        if enrolled is None or enrolled.later:
            await enrolment_codes.give_back(connection, correct)
            raise SigningDown(AWAY)
        if enrolled.refused:
            raise ClientException(f"driver: {enrolled.refused}")
        about = f"{correct.driver} on {data.pc}" if data.pc else correct.driver
        await audit.add(connection, None, "enrolled", about, address)
    return EnrolledPc(
        driver=correct.driver,
        jwt=enrolled.jwt,
        expires_s=enrolled.expires_s,
        nats_url=nats_url,
    )


@get("/drivers", responses=ERRORS, response_headers=[LINK])
async def list_drivers(
    request: Request[Any, Any, Any],
    archive: NamedDependency[Pool],
    after: After = "",
    limit: AtMost = ROWS,
) -> Response[list[DriverAbout]]:
    """List drivers by name with their PCs, the revoked ones included."""
    async with archive.connection() as connection:
        page = await drivers.listed(connection, position(after, Text) or "", limit)
    return answer(request, page)


@post("/drivers/{driver:str}/revoke", status_code=204, responses=ERRORS)
async def revoke(
    auth: Auth, visitor: CurrentVisitor, bus: NamedDependency[Bus], driver: Named
) -> None:
    """Revoke a driver: all connections close at once; unsent data stays on the PC's disk."""
    await _revoked(bus, Revoke(driver=driver))
    async with auth.archive.connection() as connection:
        await audit.add(connection, visitor.person.account, "driver revoked", driver)


@post("/drivers/{driver:str}/pcs/{public_key:str}/revoke", status_code=204, responses=ERRORS)
async def revoke_pc(
    auth: Auth,
    visitor: CurrentVisitor,
    bus: NamedDependency[Bus],
    driver: Named,
    public_key: Annotated[str, PathParameter(pattern=KEY)],
) -> None:
    """Revoke one PC of a driver: its connections close at once; other PCs stay connected."""
    await _revoked(bus, Revoke(driver=driver, pc=public_key))
    async with auth.archive.connection() as connection:
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
        raise PermissionDeniedException("driver: you can enrol only yourself")


async def _signed(bus: Bus, wish: Enrol) -> Enrolled | None:
    try:
        answer: Enrolled = await bus.request("keys.enrol", wish, timeout_s=ANSWER_S)
    except BusDown:
        return None
    return answer
