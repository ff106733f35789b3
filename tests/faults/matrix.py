"""The list of cases; run one and judge it."""

import shutil
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from tests.faults import (
    cases,
    chaos,
    deletions,
    derived,
    disks,
    expiring,
    messages,
    peers,
    restores,
    sealed,
)
from tests.faults.pace import Pace
from tests.faults.stack import Measures, Stack, streams_file
from tests.faults.storage import Postgres
from tests.faults.verdict import Verdict

KEPT: Final = Path(__file__).parents[1] / "artifacts" / "faults"
KEPT_FILES: Final = ("*.log", "*.ledger", "streams.yaml", "pg/*.log")


class Case(Struct, frozen=True):
    """A drive with a fault; `runs` is how often the whole matrix has it.

    `gone` requires that chunks are declared gone; without it none may be. None permits both.
    With `refines` the services run too that derive facts from facts.
    """

    play: Callable[[Stack, Pace], None]
    name: str
    runs: int = 1
    telemetry_max_bytes: str = ""
    gone: bool | None = False
    short: bool = True
    refines: bool = False


class Outcome(Struct, frozen=True):
    """The result of a case; `problem` is empty when nothing is wrong."""

    case: str
    problem: str
    verdict: Verdict | None
    measured: Measures


def chaos_of(seed: int) -> Case:
    """Return the mix of faults of a seed."""
    return Case(chaos.of_seed(seed), f"chaos {seed}")


def _named(
    *plays: Callable[[Stack, Pace], None], runs: int = 1, refines: bool = False
) -> tuple[Case, ...]:
    return tuple(Case(play, play.__name__, runs, refines=refines) for play in plays)


CASES: Final = (
    *_named(cases.link_cut, cases.black_hole_healed, cases.black_hole_reset, cases.slow_link),
    *_named(cases.nats_killed, cases.persister_killed, cases.producer_killed, runs=3),
    *_named(cases.producer_killed_offline, cases.persister_paused),
    *_named(cases.postgres_stopped, cases.store_wiped, cases.store_tail_lost, runs=3),
    *_named(cases.store_wiped_at_the_end, cases.store_goes_back),
    *_named(cases.database_goes_back, runs=3),
    Case(cases.stream_full, "stream_full", telemetry_max_bytes="200kB"),
    *_named(cases.spool_cloned, messages.repeated_and_reordered),
    *_named(messages.undecodable),
    Case(messages.newer_version, "newer_version", gone=True),
    Case(cases.spool_too_small, "spool_too_small", gone=True),
    *(Case(play, play.__name__, gone=True) for play in disks.GONE),
    *(Case(play, play.__name__, gone=None) for play in disks.EITHER),
    *_named(*disks.WHOLE),
    *_named(*derived.CASES, *restores.CASES, refines=True),
    *_named(*derived.REFUSED),
    *_named(*deletions.CASES, *expiring.CASES, refines=True),
    *_named(*sealed.CASES),
    *_named(peers.nats_disk_full, peers.jetstream_off, peers.postgres_disk_full),
    *_named(peers.postgres_read_only, peers.postgres_hangs, peers.table_locked),
    *_named(peers.postgres_without_connections, peers.persister_hangs),
    Case(cases.backlog, "hour_of_backlog", short=False),
)
SHORT_CASES: Final = (*(case for case in CASES if case.short), chaos_of(13))


def run(case: Case, pace: Pace, template: Postgres, *, keep: bool = False) -> Outcome:
    """Run a case on its own stack; its files are kept on request or if anything is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="pitbox-faults-"))
    try:
        outcome = _run(case, pace, template, folder)
        if outcome.problem or keep:
            _keep(folder, case.name)
        return outcome
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(case: Case, pace: Pace, template: Postgres, folder: Path) -> Outcome:
    streams = streams_file(
        folder, ack_wait=pace.ack_wait, telemetry_max_bytes=case.telemetry_max_bytes
    )
    stack = Stack(folder, template, streams, refines=case.refines)
    verdicts: list[Verdict] = []
    try:
        broken = _broken(folder, partial(_play, case, pace, stack))
        # Judge even if the case broke down: the verdict tells late chunks from lost ones.
        unjudged = _broken(folder, lambda: verdicts.append(stack.judge()))
        problem = broken or unjudged or _wrong(case, verdicts[0])
        return Outcome(case.name, problem, next(iter(verdicts), None), stack.measured())
    finally:
        stack.end()


def _broken(folder: Path, attempt: Callable[[], None]) -> str:
    """Return why a case broke down, "" if it did not; other cases still run."""
    try:
        attempt()
    except Exception as error:
        with (folder / "case.log").open("a") as log:
            log.write(traceback.format_exc())
        return f"{type(error).__name__}: {error}"
    return ""


def _play(case: Case, pace: Pace, stack: Stack) -> None:
    stack.start()
    case.play(stack, pace)
    stack.settle()


def _wrong(case: Case, verdict: Verdict) -> str:
    """Return the problems in a case's result, "" if there are none."""
    if not verdict.sound:
        return f"not sound: {verdict}"
    if not verdict.chunks:
        return "nothing was driven"
    if verdict.gone and case.gone is False:
        return f"{verdict.gone} chunks were declared gone though nothing was evicted"
    if case.gone and not verdict.gone:
        return "nothing was declared gone"
    return ""


def _keep(folder: Path, name: str) -> None:
    kept = KEPT / f"{name.replace(' ', '-')}-{int(time.time())}"
    kept.mkdir(parents=True, exist_ok=True)
    for pattern in KEPT_FILES:
        for path in folder.glob(pattern):
            shutil.copy(path, kept / path.name)
