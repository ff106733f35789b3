"""Drivers: list, enrol and revoke them, on the hub's machine."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from commands import bus, database
from commands.cli import CommandError
from commands.hub import nearby
from commands.terminal import table
from pitbox import allowed, topology
from pitbox.identity.permissions import SETUP
from pitbox.nats.bus import Bus
from schemas.api import DriverAbout, PcAbout
from schemas.keys import DriverName, KeyStart, Revoke, Revoked

ANSWER_S: Final = 5.0
COLUMNS: Final = ("Driver", "PC", "Key", "Since", "State")
WHEN: Final = "%Y-%m-%d %H:%M"


def list_drivers(*, json: bool = False) -> None:
    """List drivers and their PCs, also those that are revoked.

    Example: pitbox driver list

    Parameters
    ----------
    json
        print a list of objects
    """
    from pitbox.people import drivers

    known = database.run(drivers.every)
    if json:
        print(msgspec.json.encode(known).decode())
        return
    if known:
        print(table(COLUMNS, (row for one in known for row in _rows(one))))
    else:
        print("no drivers yet")


def revoke(name: str, /, *, pc: str = "") -> None:
    """Revoke a driver: connections end at once, and telemetry stays in the PC's spool.

    Example: pitbox driver revoke MOR --pc UDXU4RCS

    Parameters
    ----------
    name
        the driver's name in the list
    pc
        only one PC of the driver, such as a lost one, by the first letters of its key
    """
    wish = Revoke(driver=driver_name(name), pc=_key(pc))

    async def revoked(connected: Bus) -> Revoked:
        answer: Revoked = await connected.request("keys.revoke", wish, timeout_s=ANSWER_S)
        return answer

    answer = bus.run(revoked, SETUP)
    what = f"the PC {pc} of {name}" if pc else name
    if answer.refused:
        raise CommandError(f"{what} is not revoked: {answer.refused}")
    print(f"{what} is revoked")


def enrol(name: str, /, *, out: Path) -> None:
    """Write credentials for a driver's PC; copy the file there and delete it here.

    A PC that reaches the pit wall needs no file: the page shows a code for it.

    Example: pitbox driver enrol MOR --out mor.creds

    Parameters
    ----------
    name
        the driver's name
    out
        file to write; an existing file keeps its key
    """
    from commands.hub import enrolment

    driver, found = driver_name(name), nearby.find()
    declared = topology.load(found.settings.streams)
    with bus.sentences(found):
        asyncio.run(enrolment.enrol(found.settings.nats, declared, driver, out))
    print(f"{name} is enrolled: {out}")


def driver_name(text: str) -> str:
    """Return a driver's name as it was typed; raises CommandError when it can be none."""
    try:
        return msgspec.convert(text, DriverName)
    except msgspec.ValidationError as error:
        reason = allowed.sentence(error, DriverName)
        raise CommandError(f"{text!r} is not a driver's name: {reason}") from None


def _key(text: str) -> str:
    try:
        return msgspec.convert(text.upper(), KeyStart)
    except msgspec.ValidationError:
        raise CommandError(
            f"--pc: no key of a PC begins with {text!r}: `pitbox driver list` shows the keys"
        ) from None


def _rows(one: DriverAbout) -> list[tuple[str, ...]]:
    """Return the row of a driver, and below it one of each PC."""
    first = (one.driver, "", "", f"enrolled {one.enrolled:{WHEN}}", _state(one))
    return [first, *(("", pc.name, pc.public_key, *_state_of_pc(pc)) for pc in one.pcs)]


def _state(one: DriverAbout) -> str:
    if one.revoked:
        return f"revoked {one.revoked:{WHEN}}"
    if one.shut_until and one.shut_until > datetime.now(UTC):
        return f"suspended until {one.shut_until:{WHEN}:%S} for sending too much"
    return "" if one.pcs else "no PC"


def _state_of_pc(pc: PcAbout) -> tuple[str, str]:
    since = f"renewed {pc.renewed:{WHEN}}" if pc.renewed else f"enrolled {pc.enrolled:{WHEN}}"
    return since, f"revoked {pc.revoked:{WHEN}}" if pc.revoked else f"until {pc.expires:{WHEN}}"
