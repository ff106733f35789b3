"""The CPU cost of the driver app on the driver's PC, for a simulated car at 60 Hz."""

import tempfile
import time
from collections.abc import Iterator
from typing import Final

from tests.bench.effort import Effort
from tests.bench.processes import cpu_s, process
from tests.bench.report import Result, result
from tests.bench.servers import Servers
from tests.tools.servers import NatsServer, addresses

SECONDS: Final = 20.0
SETTLE_S: Final = 5.0
ROUNDS: Final = 3


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the share of a core that `pitbox drive` takes, and that of the source alone."""
    whole, source = [], []
    seconds = effort.seconds(SECONDS)
    with process(
        *("commands", "run", "persister"),
        **addresses(servers.nats.url, servers.url),
    ):
        for _ in range(effort.rounds(ROUNDS)):
            with tempfile.TemporaryDirectory(dir=servers.folder) as spool:
                whole.append(_drive(servers.nats, spool, seconds))
            source.append(_simulate(seconds))
    yield result("driver_cpu_percent", "% of a core", "lower", whole)
    yield result("driver_cpu_percent_sim_alone", "% of a core", "lower", source)


def _drive(server: NatsServer, spool: str, seconds: float) -> float:
    with process(
        *("commands", "drive", "--source", "sim"),
        PITBOX_NATS__URL=server.url,
        PITBOX_NATS__CREDENTIALS=str(server.driver("bench")),
        PITBOX_DRIVER__SPOOL=spool,
    ) as started:
        return _percent(started.pid, seconds)


def _simulate(seconds: float) -> float:
    """Return the share of the simulator itself, which a real game does not have."""
    with process("tests.bench.sim_alone") as started:
        return _percent(started.pid, seconds)


def _percent(pid: int, seconds: float) -> float:
    time.sleep(SETTLE_S)
    before_s, began = cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(pid) - before_s) / (time.monotonic() - began) * 100
