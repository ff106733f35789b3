"""How fast a driver's data is back and whole: after a cut link, and behind an hour's backlog.

The figures are those of two cases of the fault matrix, on a stack of their own.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from typing import Final

from tests.bench.effort import Effort
from tests.bench.report import Result, result
from tests.bench.servers import Servers
from tests.faults import matrix
from tests.faults.pace import SHORT, WHOLE, Pace
from tests.faults.reaper import guarded
from tests.faults.stack import Measures, template
from tests.faults.storage import Postgres

CUT: Final = "link_cut"
BACKLOG: Final = "hour_of_backlog"
ROUNDS: Final = 3


def measure(_: Servers, effort: Effort) -> Iterator[Result]:
    """Yield times since the repair; a round that loses a chunk raises RuntimeError."""
    pace = WHOLE if effort.repeats else SHORT
    live_s, filled_s, times = [], [], []
    ages_ms: list[float] = []
    with guarded(), tempfile.TemporaryDirectory(prefix="pitbox-cluster-") as folder:
        cluster = template(Path(folder))
        for _ in range(effort.rounds(ROUNDS)):
            cut, behind = (_play(name, pace, cluster) for name in (CUT, BACKLOG))
            live_s.append(cut.live_back_s or 0.0)
            filled_s.append(cut.filled_s or 0.0)
            times.append(pace.backlog_s / (behind.filled_s or 0.0))
            ages_ms.append(1e3 * quantiles(behind.ages_s, n=100, method="inclusive")[98])
    yield result(f"outage_{pace.outage_s:.0f}_s_live_back_s", "s", "lower", live_s)
    yield result(f"outage_{pace.outage_s:.0f}_s_filled_s", "s", "lower", filled_s)
    yield result("backlog_sent_x_real_time", "x", "higher", times)
    yield result("backlog_live_p99_ms", "ms", "lower", ages_ms)


def _play(name: str, pace: Pace, cluster: Postgres) -> Measures:
    [case] = [case for case in matrix.CASES if case.name == name]
    outcome = matrix.run(case, pace, cluster)
    if outcome.problem:
        raise RuntimeError(f"{name}: {outcome.problem}")
    return outcome.measured
