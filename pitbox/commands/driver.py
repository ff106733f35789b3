"""Who may drive: list, enrol and revoke, on the hub's machine."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from pitbox import settings, topology
from pitbox.bus import Bus, BusDown
from pitbox.cli import CommandError
from pitbox.commands import database
from pitbox.drivers import DRIVERS
from pitbox.identity.permissions import SETUP
from schemas.api import DriverAbout
from schemas.keys import DriverName, Revoke, Revoked

ANSWER_S: Final = 5.0


def list_drivers(*, json: bool = False) -> None:
    """List who may drive, and who was shut out.

    Example: pitbox driver list

    Parameters
    ----------
    json
        print a list of objects
    """
    drivers = [DriverAbout(**row) for row in database.fetch(DRIVERS)]
    if json:
        print(msgspec.json.encode(drivers).decode())
        return
    for one in drivers:
        print(f"{one.driver:<20} enrolled {one.enrolled:%Y-%m-%d %H:%M}  {_state(one)}")
    if not drivers:
        print("no drivers yet")


def revoke(name: str, /) -> None:
    """Shut a driver out: connections end at once; what was driven stays on his PC's disk.

    Example: pitbox driver revoke MOR

    Parameters
    ----------
    name
        the driver's name in the list
    """
    answer: Revoked = asyncio.run(_revoke(Revoke(driver=_name(name))))
    if answer.refused:
        raise CommandError(f"{name} is not revoked: {answer.refused}")
    print(f"{name} is shut out")


def enrol(name: str, /, *, out: Path) -> None:
    """Write credentials for a driver's PC, to be carried there by hand and deleted here.

    A PC that reaches the pit wall needs no file: the page shows a code for it.

    Example: pitbox driver enrol MOR --out mor.creds

    Parameters
    ----------
    name
        who will drive
    out
        file to write; the key in it is used again when it exists
    """
    from pitbox import enrolment

    loaded = settings.load()
    declared = topology.load(loaded.streams)
    try:
        asyncio.run(enrolment.enrol(loaded.nats, declared, _name(name), out))
    except BusDown as error:
        raise CommandError(f"{error}; does `pitbox run keys` run?") from None
    print(f"{name} is enrolled: {out}")


async def _revoke(wish: Revoke) -> Revoked:
    loaded = settings.load()
    try:
        bus = await Bus.connect(loaded.nats, SETUP, topology.load(loaded.streams), forever=False)
        try:
            answer: Revoked = await bus.request("keys.revoke", wish, timeout_s=ANSWER_S)
        finally:
            await bus.close()
    except BusDown as error:
        raise CommandError(f"{error}; does `pitbox run keys` run?") from None
    return answer


def _name(text: str) -> str:
    try:
        return msgspec.convert(text, DriverName)
    except msgspec.ValidationError:
        raise CommandError(
            f"{text!r} is no name of a driver: letters and digits, then also - and _, 64 at most"
        ) from None


def _state(one: DriverAbout) -> str:
    if one.revoked:
        return f"revoked {one.revoked:%Y-%m-%d %H:%M}"
    pcs = "1 PC" if one.pcs == 1 else f"{one.pcs} PCs"
    state = f"{pcs}, until {one.expires:%Y-%m-%d %H:%M}" if one.expires else "no PC"
    if one.shut_until and one.shut_until > datetime.now(UTC):
        state += f"; sent too much, shut out until {one.shut_until:%Y-%m-%d %H:%M:%S}"
    return state
