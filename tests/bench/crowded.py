"""How late the laps of twenty cars are, alone and beside a driver who sends the dearest chunks.

That driver sends all that the allowance permits. A lap is late by the time from the publishing of
the chunk that ends it until the lap is published; one that did not come counts as `WAIT_S`.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Final

from tests.bench.effort import Effort
from tests.bench.processes import process
from tests.bench.report import Result, result
from tests.bench.servers import Servers
from tests.tools.crowd import WAIT_S, drive, flooding
from tests.tools.flood import FIRST
from tests.tools.servers import addresses

PART: Final = 0.95
"""The part of the allowance that the driver uses: above it the driver is suspended."""

FLOODS_S: Final = 10.0
ALONE: Final = "alone"


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the median of the laps' delays and the longest one, for each kind of chunks."""
    reaches = addresses(servers.nats.url, servers.url)
    for kind in (ALONE, *FIRST):
        with (
            process("commands", "run", "persister", **reaches),
            process("commands", "run", "timing", **reaches),
            _beside(servers, kind, effort.seconds(FLOODS_S)),
        ):
            outcome = asyncio.run(drive(servers.nats, kind))
        missing = len(outcome.driven) - len(outcome.came)
        late_ms = [1e3 * late_s for late_s in (*outcome.late_s, *[WAIT_S] * missing)]
        yield result(f"laps_late_ms_20_cars_{kind}", "ms", "lower", late_ms)
        yield result(f"laps_late_most_ms_20_cars_{kind}", "ms", "lower", [max(late_ms)])


@contextlib.contextmanager
def _beside(servers: Servers, kind: str, before_s: float) -> Iterator[None]:
    """Let the driver send, from some time before the block on."""
    if kind == ALONE:
        yield
        return
    with flooding(servers.nats, kind, PART):
        time.sleep(before_s)
        yield
