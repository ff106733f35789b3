"""Store the audit log of logins, accounts and drivers: append-only, expired by age.

Postgres enforces both: the gateway's role may only insert and read, and a trigger allows deletion
of old entries alone.
"""

import asyncio
from typing import Any, Final

from pitbox import logs
from pitbox.postgres import page
from pitbox.postgres.errors import PostgresDown
from pitbox.postgres.page import Page
from pitbox.postgres.pool import Pool
from schemas.api import AuditEntry

KEEPER: Final = "pitbox_audit_keeper"
"""The Postgres role that may delete old entries, and nothing else."""
EXPIRE_EVERY_S: Final = 3600.0
RETRY_S: Final = 60.0

ADD: Final = "insert into audit (actor, action, about, address) values ($1, $2, $3, $4)"
LATEST: Final = """
select a.id, a.at, coalesce(account.name, a.actor::text) as actor, a.action, a.about, a.address
from audit as a left join account on account.account = a.actor
where a.id < $1 order by a.id desc limit $2
"""
FORGET: Final = "select audit_forget($1)"

log = logs.get("gateway")


async def add(
    connection: Any, actor: str | None, action: str, about: str = "", address: str = ""
) -> None:
    """Append an entry; `actor` is an account id, None when the actor is unknown."""
    await connection.execute(ADD, actor, action, about, address)


async def latest(connection: Any, before: int, limit: int) -> Page[AuditEntry]:
    """Return a page of entries, newest first, of those with an id below `before`."""
    rows = await connection.fetch(LATEST, before, limit + 1)
    return page.page(rows, limit, lambda row: AuditEntry(**row), lambda row: row["id"])


async def keep(archive: Pool, days: int) -> None:
    """Delete entries older than `days`, at once and every hour, until cancelled.

    `archive` has to connect as the role `KEEPER`. Retries every minute while Postgres is down.
    """
    while True:
        wait_s = EXPIRE_EVERY_S
        try:
            async with archive.connection() as connection:
                while forgotten := await connection.fetchval(FORGET, days):
                    log.info("old entries of the audit log deleted", count=forgotten)
        except PostgresDown:
            wait_s = RETRY_S
        await asyncio.sleep(wait_s)
