"""The hub with two hundred cars at 60 Hz: CPU of all parts, commits, and what a page sees.

The cars' own processes are not part of the hub and not counted; with the pages they take CPU from
it on a small machine.
"""

import json
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

from msgspec import Struct

from tests.bench.effort import Effort
from tests.bench.processes import cpu_s, process
from tests.bench.report import Result, result
from tests.bench.servers import Servers
from tests.bench.watching import gateway
from tests.tools.servers import addresses, everything, free_port

CARS: Final = 200
PAGES: Final = (1, 4)
ROUNDS: Final = 3
SECONDS: Final = 20.0
LOOK_S: Final = 0.5
LAG: Final = "pitbox_consumer_lag_seconds{"


class Hub(Struct, frozen=True):
    """The processes of a hub: the pids of its services, and the metrics of its persister."""

    servers: Servers
    pids: dict[str, int]
    metrics: str

    def spent_s(self) -> dict[str, float]:
        """Return the CPU time of each part."""
        return {**self.servers.cpu_s(), **{name: cpu_s(pid) for name, pid in self.pids.items()}}

    def lag_s(self) -> float:
        """Return the age of telemetry when it was committed last."""
        with urllib.request.urlopen(self.metrics, timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return max(float(line.split()[-1]) for line in lines if _is_lag(line))


class Seen(Struct, frozen=True):
    """One round: CPU by part in percent of a core, and times in ms."""

    percent: dict[str, float]
    lag_ms: float
    page_ms: dict[str, float]


def measure(servers: Servers, effort: Effort) -> Iterator[Result]:
    """Yield the figures for each number of pages."""
    cars, seconds = effort.count(CARS), effort.seconds(SECONDS)
    port = free_port()
    reaches = addresses(servers.nats.url, servers.url)
    with (
        process("commands", "run", "persister", PITBOX_METRICS__PORT=str(port), **reaches) as first,
        process("commands", "run", "timing", **reaches) as second,
        gateway(servers) as served,
        _driving(servers, cars),
    ):
        pids = {"persister": first.pid, "timing": second.pid, "gateway": served.pid}
        hub = Hub(servers, pids, f"http://127.0.0.1:{port}/metrics")
        for pages in PAGES:
            page = (
                *("tests.bench.watchers", "--server", "gateway", "--port", str(served.port)),
                *("--tokens", *served.tokens, "--clients", str(pages), "--seconds", str(seconds)),
            )
            rounds = [_round(hub, page) for _ in range(effort.rounds(ROUNDS))]
            yield from _results(f"cars_{cars}_{{}}_{pages}_page{'s' * (pages > 1)}", rounds)


@contextmanager
def _driving(servers: Servers, cars: int) -> Iterator[None]:
    """Let the cars drive, from two processes: one does not keep their pace."""
    credentials = str(everything(servers.nats.url))
    where = ("--nats", servers.nats.url, "--credentials", credentials)
    half = cars // 2
    with (
        process("tests.bench.cars", *where, "--cars", str(cars - half)),
        process("tests.bench.cars", *where, "--cars", str(half), "--first", str(cars - half)),
    ):
        yield


def _round(hub: Hub, page: tuple[str, ...]) -> Seen:
    lags_s = []
    with process(*page) as watching:
        assert watching.stdout is not None  # it is a pipe
        watching.stdout.readline()
        before, began_s = hub.spent_s(), time.monotonic()
        seconds = float(page[-1])
        while time.monotonic() < began_s + seconds - LOOK_S:
            lags_s.append(hub.lag_s())
            time.sleep(LOOK_S)
        figures = json.loads(watching.stdout.readline())
        spent, took_s = hub.spent_s(), time.monotonic() - began_s
    percent = {name: (spent[name] - before[name]) / took_s * 100 for name in spent}
    lag_ms = 1e3 * median(lags_s or [hub.lag_s()])
    return Seen(percent, lag_ms, {part: figures[f"{part}_ms"] for part in ("p50", "p99")})


def _results(name: str, rounds: list[Seen]) -> Iterator[Result]:
    """Yield the figures of rounds with the same number of pages."""
    parts = defaultdict(list)
    for seen in rounds:
        for part, percent in seen.percent.items():
            parts[part].append(percent)
    whole = [sum(seen.percent.values()) for seen in rounds]
    unit = "% of a core"
    yield result(name.format("cpu_percent"), unit, "lower", whole)
    for part, percents in parts.items():
        yield result(name.format(f"cpu_percent_{part}"), unit, "lower", percents)
    lags_ms = [seen.lag_ms for seen in rounds]
    yield result(name.format("commit_lag_p50_ms"), "ms", "lower", lags_ms)
    for part in ("p50", "p99"):
        ages_ms = [seen.page_ms[part] for seen in rounds]
        yield result(name.format(f"sample_to_page_{part}_ms"), "ms", "lower", ages_ms)


def _is_lag(line: str) -> bool:
    return line.startswith(LAG) and "TELEMETRY" in line
