"""Keep a session from retention."""

from typing import Any, Final

from commands import database
from commands.cli import CommandError

PIN: Final = "insert into pinned (session, by) values ($1, $2) on conflict (session) do nothing"
UNPIN: Final = "delete from pinned where session = $1"
KNOWN: Final = "select exists (select from run where session = $1)"


def pin(session: str, /) -> None:
    """Keep a session: retention removes nothing of it.

    Example: pitbox sessions pin spa-race-1

    Parameters
    ----------
    session
        the session, as `pitbox sessions` lists it
    """

    async def pinned(connection: Any) -> None:
        if not await connection.fetchval(KNOWN, session):
            raise CommandError(f"no session {session}: `pitbox sessions` lists them")
        await connection.execute(PIN, session, "command line")

    database.run(pinned)
    print(f"{session} is pinned: retention keeps it")


def unpin(session: str, /) -> None:
    """Let retention remove a session again.

    Example: pitbox sessions unpin spa-race-1

    Parameters
    ----------
    session
        the session
    """

    async def unpinned(connection: Any) -> str:
        return str(await connection.execute(UNPIN, session))

    if database.run(unpinned) != "DELETE 1":
        raise CommandError(f"{session} is not pinned")
    print(f"{session} is not pinned any more")
