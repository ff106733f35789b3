"""Query enrolled drivers with their PCs; the gateway and the command line use it."""

from typing import Any, Final

import msgspec

from pitbox.postgres import page
from pitbox.postgres.page import Page
from schemas.api import DriverAbout, PcAbout

DRIVERS: Final = """
select driver, enrolled, revoked, shut_until, (
    select coalesce(json_agg(pc order by pc.enrolled, pc.public_key), '[]')::text from (
        select public_key, name, enrolled, renewed, expires,
            case when revoked >= enrolled then revoked end as revoked
        from nats_user where nats_user.driver = nats_account.driver
    ) as pc
) as pcs
from nats_account where driver > $1 order by driver limit $2
"""

_pcs: Final = msgspec.json.Decoder(tuple[PcAbout, ...]).decode


async def every(connection: Any) -> list[DriverAbout]:
    """Return all drivers, ordered by name."""
    return [_driver(row) for row in await connection.fetch(DRIVERS, "", None)]


async def listed(connection: Any, after: str, limit: int) -> Page[DriverAbout]:
    """Return a page of drivers, ordered by name, of those behind the name `after`."""
    rows = await connection.fetch(DRIVERS, after, limit + 1)
    return page.page(rows, limit, _driver, lambda row: row["driver"])


def _driver(row: Any) -> DriverAbout:
    return DriverAbout(**{**row, "pcs": _pcs(row["pcs"])})
