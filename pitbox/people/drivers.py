"""Query enrolled drivers with their PCs; the gateway and the command line use it."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from schemas.api import DriverAbout, PcAbout

DRIVERS: Final = """
select driver, enrolled, revoked, shut_until, (
    select coalesce(json_agg(pc order by pc.enrolled, pc.public_key), '[]')::text from (
        select public_key, name, enrolled, renewed, expires,
            case when revoked >= enrolled then revoked end as revoked
        from nats_user where nats_user.driver = nats_account.driver
    ) as pc
) as pcs
from nats_account order by driver
"""

_pcs: Final = msgspec.json.Decoder(tuple[PcAbout, ...]).decode


def drivers(rows: Iterable[Any]) -> list[DriverAbout]:
    """Return drivers from the rows of `DRIVERS`."""
    return [DriverAbout(**{**row, "pcs": _pcs(row["pcs"])}) for row in rows]
