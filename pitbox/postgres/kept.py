"""The one list of what Postgres keeps of sessions, so that nothing is left of a deleted one.

A table with a column `session` has to stand here; a test compares the list with the database. Files
that belong to a session need a row each in such a table: their owner deletes files without a row.
"""

from typing import Any, Final

from msgspec import Struct

SLICE_ROWS: Final = 1000


class Kept(Struct, frozen=True):
    """Name a table; `by_run` is whether its rows belong to single runs.

    Rows of other tables cover all runs of a driver in a session. They are deleted once, because
    later ones may come of runs that are not deleted.
    """

    table: str
    by_run: bool = False


KEPT: Final = (
    Kept("fold"),
    Kept("folded", by_run=True),
    Kept("lap"),
    Kept("session"),
    Kept("session_track"),
    Kept("passes"),
    Kept("moment"),
    Kept("silence"),
    Kept("debrief"),
    Kept("telemetry_chunk", by_run=True),
    Kept("telemetry_block", by_run=True),
    Kept("run", by_run=True),
)
"""Rows that a page shows are deleted with the session itself, by the function `delete_session`."""

NOT_DELETED: Final = ("deleted", "pinned", "retention_due")
"""Tables that only state that something was deleted, or is to be kept."""

LETTERS: Final = "delete from dead_letter where subject = any($1::text[])"
"""A dead letter contains the message of a session; its subject names the session."""


async def delete_slice(
    connection: Any, kept: Kept, session: str, driver: str, through: int
) -> bool:
    """Delete some rows of a driver in a session; return whether rows may be left.

    Rows of single runs are deleted up to the run `through`.
    """
    runs = "run <= $3" if kept.by_run else "$3::bigint is not null"
    done: str = await connection.execute(
        f"delete from {kept.table} where ctid = any(array(select ctid from {kept.table} "
        f"where session = $1 and driver = $2 and {runs} limit {SLICE_ROWS}))",
        session,
        driver,
        through,
    )
    return int(done.rpartition(" ")[2]) >= SLICE_ROWS
