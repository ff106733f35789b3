"""Delete a session for good."""

import sys
from typing import Any, Final

from commands import database
from commands.cli import CommandError

ACTION: Final = "session deleted"


def delete(session: str, /, *, driver: str = "", yes: bool = False) -> None:
    """Delete a session for good: telemetry, laps, messages, and the copies on the drivers' PCs.

    Chunks of it that arrive later are dropped. What is driven under the same name afterwards is
    stored.

    Example: pitbox sessions delete spa-race-1 --driver MOR

    Parameters
    ----------
    session
        the session, as `pitbox sessions` lists it
    driver
        only this driver's part of it
    yes
        do not ask
    """
    drivers = database.run(lambda connection: _drivers(connection, session, driver))
    if not yes and not _agreed(session, drivers):
        raise CommandError("nothing was deleted")
    database.run(lambda connection: _deleted(connection, session, drivers))
    print(
        f"{session} is deleted ({', '.join(drivers)}); the persister removes the rest of its "
        "telemetry within seconds while it runs"
    )


async def _drivers(connection: Any, session: str, driver: str) -> list[str]:
    """Return the drivers to delete; raises CommandError when there are none, or one drives now."""
    from pitbox.postgres import deleted

    found = await deleted.drivers(connection, session)
    chosen = [name for name in found if driver in ("", name)]
    if not chosen:
        what = f"no driver {driver} in session {session}" if driver else f"no session {session}"
        raise CommandError(f"{what}: `pitbox sessions` lists them")
    if driven := [name for name in chosen if found[name]]:
        raise CommandError(f"session: {deleted.driven_now(session, driven)}")
    return chosen


async def _deleted(connection: Any, session: str, drivers: list[str]) -> None:
    from pitbox.people import audit
    from pitbox.postgres import deleted

    async with connection.transaction():
        for driver in drivers:
            await deleted.add(connection, (session, driver), "command line")
            await audit.add(connection, None, ACTION, f"{session} of {driver}", "command line")


def _agreed(session: str, drivers: list[str]) -> bool:
    """Ask on the terminal; raises CommandError without one."""
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask on: add --yes")
    whose = ", ".join(drivers)
    answer = input(f"Delete {session} of {whose} for good, also on the drivers' PCs? [y/N] ")
    return answer.strip().lower() in ("y", "yes")
