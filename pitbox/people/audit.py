"""What people did at the doors: added by the gateway, never changed, forgotten when it is old."""

import asyncio
from typing import Any, Final

from pitbox import logs
from pitbox.postgres.errors import PostgresDown
from pitbox.postgres.pool import Pool
from schemas.api import AuditEntry

KEEPER: Final = "pitbox_audit_keeper"
"""The role that may forget what is old, and nothing else."""
LOOK_EVERY_S: Final = 3600.0
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
    """Write down what an account (by id, None for whoever it was) did."""
    await connection.execute(ADD, actor, action, about, address)


async def latest(connection: Any, before: int, limit: int) -> list[AuditEntry]:
    """Return entries, the latest first, that are older than `before`."""
    return [AuditEntry(**row) for row in await connection.fetch(LATEST, before, limit)]


async def keep(archive: Pool, days: int) -> None:
    """Forget what is older than so many days, every hour until cancelled, as the keeper."""
    while True:
        wait_s = LOOK_EVERY_S
        try:
            async with archive.connection() as connection:
                while forgotten := await connection.fetchval(FORGET, days):
                    log.info("old entries of the audit log are forgotten", count=forgotten)
        except PostgresDown:
            wait_s = RETRY_S
        await asyncio.sleep(wait_s)
