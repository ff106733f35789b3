"""What people did at the doors: added by the gateway, and never changed by anyone."""

from typing import Any, Final

from schemas.api import AuditEntry

ADD: Final = "insert into audit (actor, action, about, address) values ($1, $2, $3, $4)"
LATEST: Final = """
select a.id, a.at, coalesce(account.name, a.actor::text) as actor, a.action, a.about, a.address
from audit as a left join account on account.account = a.actor
where a.id < $1 order by a.id desc limit $2
"""


async def add(
    connection: Any, actor: str | None, action: str, about: str = "", address: str = ""
) -> None:
    """Write down what an account (by id, None for whoever it was) did."""
    await connection.execute(ADD, actor, action, about, address)


async def latest(connection: Any, before: int, limit: int) -> list[AuditEntry]:
    """Return entries, the latest first, that are older than `before`."""
    return [AuditEntry(**row) for row in await connection.fetch(LATEST, before, limit)]
