"""Pinned sessions, which retention never removes."""

from typing import Any, Final

PIN: Final = "insert into pinned (session, by) values ($1, $2) on conflict (session) do nothing"
UNPIN: Final = "delete from pinned where session = $1"


async def pin(connection: Any, session: str, by: str) -> None:
    """Keep a session; `by` names who did it."""
    await connection.execute(PIN, session, by)


async def unpin(connection: Any, session: str) -> bool:
    """Let retention remove a session again; return whether it was pinned."""
    return str(await connection.execute(UNPIN, session)) == "DELETE 1"
