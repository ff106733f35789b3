"""Who may drive: list, enrol and revoke, on the hub's machine."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from commands import database
from commands.cli import CommandError
from pitbox import settings, topology
from pitbox.identity.permissions import SETUP
from pitbox.nats.bus import Bus, BusDown
from pitbox.people.drivers import DRIVERS, drivers
from schemas.api import DriverAbout, PcAbout
from schemas.keys import DriverName, KeyStart, Revoke, Revoked

ANSWER_S: Final = 5.0
WHEN: Final = "%Y-%m-%d %H:%M"


def list_drivers(*, json: bool = False) -> None:
    """List who may drive, with which PCs, and who was shut out.

    Example: pitbox driver list

    Parameters
    ----------
    json
        print a list of objects
    """
    known = drivers(database.fetch(DRIVERS))
    if json:
        print(msgspec.json.encode(known).decode())
        return
    for one in known:
        print(f"{one.driver:<20} enrolled {one.enrolled:{WHEN}}  {_state(one)}".rstrip())
        for pc in one.pcs:
            print(f"    {pc.public_key}  {pc.name or '–'}  {_state_of_pc(pc)}")
    if not known:
        print("no drivers yet")


def revoke(name: str, /, *, pc: str = "") -> None:
    """Shut a driver out: connections end at once; what was driven stays on his PC's disk.

    Example: pitbox driver revoke MOR --pc UDXU4RCS

    Parameters
    ----------
    name
        the driver's name in the list
    pc
        only this PC of his, by the beginning of its key in the list: it was lost, say
    """
    answer: Revoked = asyncio.run(_revoke(Revoke(driver=_name(name), pc=_key(pc))))
    what = f"the PC {pc} of {name}" if pc else name
    if answer.refused:
        raise CommandError(f"{what} is not shut out: {answer.refused}")
    print(f"{what} is shut out")


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
    from commands.hub import enrolment

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


def _key(text: str) -> str:
    try:
        return msgspec.convert(text.upper(), KeyStart)
    except msgspec.ValidationError:
        raise CommandError(
            f"--pc: {text!r} begins no key of a PC: `pitbox driver list` shows them, from the U on"
        ) from None


def _state(one: DriverAbout) -> str:
    if one.revoked:
        return f"revoked {one.revoked:{WHEN}}"
    if one.shut_until and one.shut_until > datetime.now(UTC):
        return f"sent too much, shut out until {one.shut_until:{WHEN}:%S}"
    return "" if one.pcs else "no PC"


def _state_of_pc(pc: PcAbout) -> str:
    if pc.revoked:
        return f"shut out {pc.revoked:{WHEN}}"
    renewed = f", renewed {pc.renewed:{WHEN}}" if pc.renewed else ""
    return f"enrolled {pc.enrolled:{WHEN}}{renewed}, until {pc.expires:{WHEN}}"
