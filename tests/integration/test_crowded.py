"""A driver who sends the dearest chunks delays no lap of others."""

import statistics
from typing import Final

import pytest

from tests.tools.crowd import CARS, LAPS, drive, flooding
from tests.tools.flood import DRIVER, FIRST
from tests.tools.hub import Database, apply, eventually
from tests.tools.processes import running
from tests.tools.servers import NatsServer

PART: Final = 0.1
"""Of the allowance: their folding takes several times a driver's share."""

UNFOLDED: Final = """
select coalesce(sum(upper(part) - lower(part)), 0) from run
left join folded using (session, driver, run),
unnest(have - coalesce(chunks, '{}')) as part where driver = $1
"""
MANY: Final = 200


@pytest.mark.parametrize("kind", FIRST)
async def test_laps_of_twenty_cars_come_while_chunks_of_a_flooding_driver_wait(
    nats_server: NatsServer, database: str, kind: str
) -> None:
    rows = Database(database)
    await apply(nats_server.url)

    async def unfolded() -> int:
        return int(await rows.value(UNFOLDED, DRIVER))

    async def many_wait() -> bool:
        return await unfolded() > MANY

    with (
        running("persister", nats_server, database),
        running("timing", nats_server, database),
        flooding(nats_server, kind, PART) as flood,
    ):
        await eventually(many_wait, "chunks of the flooding driver wait")
        outcome = await drive(nats_server)
        left = await unfolded()
        assert flood.poll() is None
    assert left > MANY
    assert len(outcome.driven) == 2 * CARS * LAPS
    assert outcome.came.keys() == outcome.driven.keys()
    late_ms = sorted(1e3 * late_s for late_s in outcome.late_s)
    print(
        f"{kind}: {len(late_ms)} laps, late by {statistics.median(late_ms):.0f} ms (median), "
        f"{late_ms[-1]:.0f} ms (most); {left} chunks of the flooding driver waited"
    )
