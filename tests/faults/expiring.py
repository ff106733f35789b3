"""Removals by retention during faults: all telemetry that is due goes, once, and its facts stay.

A case ends with the usual verdict, in which a chunk that retention removed counts as stored.
"""

from typing import Final

from tests.faults import faults, prefill
from tests.faults.pace import Pace
from tests.faults.programs import Driver
from tests.faults.stack import Stack
from tests.tools.servers import until

SETTINGS: Final = {"PITBOX_RETENTION__TELEMETRY_DAYS": "1", "PITBOX_RETENTION__NOTICE_HOURS": "0"}
LEFT: Final = "select coalesce(sum(last_chunk - chunk + 1), 0) as chunks from telemetry_part"
LAPS: Final = "select session, driver, run, lap_number, lap_time_s from lap order by 1, 2, 3, 4"
SETTLED: Final = """
select from run left join folded using (session, driver, run)
having bool_and(coalesce(chunks = have, false))
"""


def persister_killed_while_telemetry_goes(stack: Stack, pace: Pace) -> None:
    """The persister is killed each time that retention has removed some telemetry."""
    laps = _aged(stack, pace)
    for _ in range(pace.kills):
        before = _left(stack)
        stack.persister.start()
        until(lambda before=before: _left(stack) < before or not before, "telemetry is removed")
        stack.persister.kill()
    stack.persister.start()
    _is_gone(stack, laps)
    stack.healed()


def postgres_stopped_while_telemetry_goes(stack: Stack, pace: Pace) -> None:
    """Postgres stops without a checkpoint once retention has removed some telemetry."""
    laps = _aged(stack, pace)
    before = _left(stack)
    stack.persister.start()
    until(lambda: _left(stack) < before, "telemetry is removed")
    with faults.postgres_stopped(stack):
        stack.lasts(1)
    _left(stack)  # a persister that starts before Postgres answers looks again a minute later
    stack.persister.kill()
    stack.persister.start()
    _is_gone(stack, laps)
    stack.healed()


def store_goes_back_after_telemetry_went(stack: Stack, pace: Pace) -> None:
    """The streams return to a state that has all removed chunks, and their driver drives again."""
    car, laps = _driven(stack, pace)
    with faults.store_goes_back(stack):
        _age(stack)
        stack.persister.start()
        _is_gone(stack, laps)
    car.start()
    stack.lasts(pace.drive_s)
    stack.healed()


def _aged(stack: Stack, pace: Pace) -> list[tuple[object, ...]]:
    """Drive a session that is due afterwards; return its laps. The persister is away then."""
    _, laps = _driven(stack, pace)
    _age(stack)
    return laps


def _driven(stack: Stack, pace: Pace) -> tuple[Driver, list[tuple[object, ...]]]:
    """Drive for longer than one removal takes at once; return the car and its laps."""
    car = prefill.driven(stack, pace.backlog_s)
    until(lambda: stack.database.rows(SETTLED), "all chunks are folded")
    return car, _laps(stack)


def _age(stack: Stack) -> None:
    stack.persister.kill()
    stack.database.execute("update run set updated = now() - interval '2 days'")
    stack.persister.environment |= SETTINGS


def _left(stack: Stack) -> int:
    """Return how many chunks are left, once Postgres answers."""
    return int(stack.database.rows_once_up(LEFT)[0]["chunks"])


def _is_gone(stack: Stack, laps: list[tuple[object, ...]]) -> None:
    """Wait until all telemetry is removed; raises AssertionError if a lap is another now."""
    until(lambda: not _left(stack), "retention has removed all telemetry")
    if _laps(stack) != laps:
        raise AssertionError("retention changed laps")


def _laps(stack: Stack) -> list[tuple[object, ...]]:
    return [tuple(row) for row in stack.database.rows(LAPS)]


CASES = (
    *(persister_killed_while_telemetry_goes, postgres_stopped_while_telemetry_goes),
    store_goes_back_after_telemetry_went,
)
