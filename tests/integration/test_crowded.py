"""A driver who sends the dearest chunks delays no lap of others."""

import statistics

import pytest

from tests.tools.crowd import CARS, LAPS, drive, flooding
from tests.tools.flood import DRIVER, FIRST
from tests.tools.hub import Database, apply, eventually
from tests.tools.processes import running
from tests.tools.servers import NatsServer

PART = 0.1
"""Of the allowance: enough to demand several times the share of a driver on any machine."""

UNFOLDED = """
select coalesce(sum(upper(part) - lower(part)), 0) from run
left join folded using (session, driver, run),
unnest(have - coalesce(chunks, '{}')) as part where driver = $1
"""


@pytest.mark.parametrize("kind", FIRST)
async def test_laps_of_twenty_cars_come_while_chunks_of_a_flooding_driver_wait(
    nats_server: NatsServer, database: str, kind: str
) -> None:
    rows = Database(database)
    await apply(nats_server.url)
    with running("persister", nats_server, database), running("timing", nats_server, database):
        with flooding(nats_server, kind, PART) as flood:

            async def waits() -> bool:
                return int(await rows.value(UNFOLDED, DRIVER)) > 1000

            await eventually(waits, "chunks of the flooding driver wait")
            outcome = await drive(nats_server)
            assert flood.poll() is None
            unfolded = int(await rows.value(UNFOLDED, DRIVER))
    assert {place: lap.lap_time_s for place, lap in outcome.came.items()} == {
        place: lap.lap_time_s for place, lap in outcome.driven.items()
    }
    assert len(outcome.came) == 2 * CARS * LAPS
    assert unfolded > 1000
    late_ms = sorted(1e3 * late_s for late_s in outcome.late_s)
    print(
        f"{kind}: {len(late_ms)} laps, late by {statistics.median(late_ms):.0f} ms (median), "
        f"{late_ms[-1]:.0f} ms (most); {unfolded} chunks of the flooding driver waited"
    )
