"""Examine whether Postgres takes writes: it may answer queries and refuse every one of them."""

from typing import Final

from pitbox.postgres.connection import connected
from pitbox.postgres.errors import NO_WRITES, NoWrites, PostgresDown, Refused

ANSWER_S: Final = 3.0

# Rows of a temporary table need room on the volume, and are gone with the transaction. The error is
# caught inside of Postgres, because its log would repeat the statement at every look.
WRITE: Final = f"""
do $$ begin
    create temporary table pitbox_probe on commit drop as
    select repeat('x', 4000) as filler from generate_series(1, 50);
exception when {" or ".join(f"sqlstate '{state}'" for state in NO_WRITES)} then
    perform set_config('pitbox.refusal', sqlstate, false);
end $$
"""
REFUSAL: Final = "select coalesce(current_setting('pitbox.refusal', true), '')"


async def why_no_writes(url: str, name: str, *, answer_s: float = ANSWER_S) -> str:
    """Return why Postgres takes no writes, "" when it takes them; `name` is who asks.

    Raises PostgresDown when it does not answer, for instance while it starts.
    """
    try:
        async with (
            connected(url, name, timeout_s=answer_s) as connection,
            connection.transaction(),
        ):
            await connection.execute(WRITE)
            return NO_WRITES.get(await connection.fetchval(REFUSAL), "")
    except NoWrites as error:  # of the commit
        return str(error)
    except Refused as error:
        raise PostgresDown(str(error)) from None
