"""Who may drive, as Postgres has it: for the page and for the command line."""

from typing import Final

DRIVERS: Final = """
select driver, enrolled, revoked, shut_until,
    count(public_key)::int as pcs, max(expires) as expires
from nats_account left join nats_user using (driver)
group by driver, enrolled, revoked, shut_until order by driver
"""
