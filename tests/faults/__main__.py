"""Run the fault matrix and report on every committed chunk.

The last line is `faults: N runs, L lost, D duplicate, F facts wrong`, and the number of chunks that
were declared gone. A lost chunk is not stored as committed, a duplicate is stored besides, and a
wrong fact is not that of a fresh fold of the stored chunks; the exit code is 1 when anything is
wrong. The measured figures decide nothing: chunks sent again; the seconds until live data was back,
until the hole was filled and, from the end of the drive on, until the facts were right; the age of
live chunks meanwhile, in ms.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from types import FrameType
from typing import Final

from tests.faults import matrix
from tests.faults.matrix import Case, Outcome
from tests.faults.pace import SHORT, WHOLE
from tests.faults.reaper import guarded
from tests.faults.stack import template

SEEDS: Final = (11, 13, 17)
HEADER: Final = (
    "case                      chunks  lost dup gone facts  "
    "resent  live back   filled    facts    p50    p99"
)


def main() -> int:
    """Run the chosen cases."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _leave)
    print(HEADER)
    outcomes = []
    with guarded(), tempfile.TemporaryDirectory(prefix="pitbox-cluster-") as folder:
        made = template(Path(folder))
        for case in _cases(arguments):
            pace = SHORT if arguments.short else WHOLE
            outcomes.append(matrix.run(case, pace, made, keep=arguments.keep))
            print(_line(outcomes[-1]), flush=True)
    verdicts = [outcome.verdict for outcome in outcomes if outcome.verdict]
    print(
        f"faults: {len(outcomes)} runs, {sum(v.lost + v.damaged for v in verdicts)} lost, "
        f"{sum(v.duplicate + v.alien for v in verdicts)} duplicate, "
        f"{sum(v.wrong_facts for v in verdicts)} facts wrong "
        f"({sum(v.gone for v in verdicts)} chunks declared gone)"
    )
    return int(any(outcome.problem for outcome in outcomes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="run only the mix of faults of this seed")
    parser.add_argument("--case", action="append", help="run only this case; may be repeated")
    parser.add_argument("--runs", type=int, help="run each case this often")
    parser.add_argument("--short", action="store_true", help="with the durations of CI")
    parser.add_argument("--keep", action="store_true", help="keep the logs of every run")
    return parser.parse_args()


def _cases(arguments: argparse.Namespace) -> Iterator[Case]:
    if arguments.seed is not None:
        chosen = [matrix.chaos_of(arguments.seed)]
    elif arguments.case:
        chosen = [case for case in matrix.CASES if case.name in arguments.case]
    elif arguments.short:
        chosen = [*matrix.SHORT_CASES]
    else:
        chosen = [*matrix.CASES, *map(matrix.chaos_of, SEEDS)]
    if not chosen:
        names = ", ".join(case.name for case in matrix.CASES)
        raise SystemExit(f"no such case; there are {names}")
    for case in chosen:
        for _ in range(arguments.runs or (1 if arguments.short else case.runs)):
            yield case


def _line(outcome: Outcome) -> str:
    verdict, measured = outcome.verdict, outcome.measured
    counts = (
        f"{verdict.chunks:6} {verdict.lost:5} {verdict.duplicate:3} {verdict.gone:4} "
        f"{verdict.wrong_facts:5}"
        if verdict
        else f"{'not judged':>27}"
    )
    times = (
        f"{measured.resent:7}  {_seconds(measured.live_back_s)} {_seconds(measured.filled_s)} "
        f"{_seconds(measured.facts_s)} "
        f"{_percentile_ms(measured.ages_s, 50)} {_percentile_ms(measured.ages_s, 99)}"
    )
    rest = [measured.remark, f"FAILED: {outcome.problem}" if outcome.problem else ""]
    return "  ".join(filter(None, [f"{outcome.case:25} {counts} {times}", *rest]))


def _seconds(value: float | None) -> str:
    return f"{'-':>9}" if value is None else f"{value:7.2f} s"


def _percentile_ms(ages_s: tuple[float, ...], percent: int) -> str:
    if len(ages_s) < 2:
        return f"{'-':>6}"
    return f"{1000 * quantiles(ages_s, n=100, method='inclusive')[percent - 1]:6.0f}"


def _leave(_: int, __: FrameType | None) -> None:
    """End as on Ctrl-C, so that every `finally` runs."""
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
