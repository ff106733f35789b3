"""Restores in orders and combinations, beside timing: facts have to agree with the chunks."""

import signal

from tests.faults import derived, faults
from tests.faults.pace import Pace
from tests.faults.programs import Service
from tests.faults.stack import SESSION, Stack
from tests.tools.servers import until


def database_goes_back_and_forth(stack: Stack, pace: Pace) -> None:
    """Postgres is restored from an older copy, then from a newer one."""
    derived.laps(stack)
    stack.lasts(pace.drive_s)
    older, newer = stack.fresh_folder("backup"), stack.fresh_folder("backup")
    stack.postgres.back_up(older)
    stack.lasts(pace.away_s)
    stack.postgres.back_up(newer)
    for copy in (older, newer, older):
        stack.lasts(pace.drive_s)
        with faults.postgres_stopped(stack):
            stack.postgres.put_back(copy)
    stack.healed()


def database_goes_back_while_timing_is_paused(stack: Stack, pace: Pace) -> None:
    """Timing is paused over a restore, and continues with a state newer than Postgres."""
    derived.laps(stack)
    stack.lasts(pace.drive_s)
    with faults.database_goes_back(stack):
        stack.lasts(pace.away_s)
        stack.timing.send(signal.SIGSTOP)
    stack.lasts(pace.drive_s)
    stack.timing.send(signal.SIGCONT)
    stack.healed()


def database_goes_back_between_two_timings(stack: Stack, pace: Pace) -> None:
    """Two processes of timing are paused in turn over restores."""
    derived.laps(stack)
    folder = stack.fresh_folder("second")
    folder.mkdir()
    second = Service("timing", folder, stack.environment)
    second.start()
    try:
        for first in (stack.timing, second):
            stack.lasts(pace.drive_s)
            with faults.database_goes_back(stack):
                stack.lasts(pace.drive_s)
                first.send(signal.SIGSTOP)
            stack.lasts(pace.drive_s)
            first.send(signal.SIGCONT)
        stack.lasts(pace.drive_s)
    finally:
        second.end()
    stack.healed()


def database_goes_back_beyond_the_session(stack: Stack, pace: Pace) -> None:
    """Postgres is restored from a copy that has nothing, with empty streams."""
    copy = stack.fresh_folder("backup")
    stack.postgres.back_up(copy)
    derived.laps(stack)
    stack.lasts(pace.away_s)
    until(lambda: stack.database.rows("select from lap"), "there is a lap")
    with faults.store_wiped(stack), faults.postgres_stopped(stack):
        stack.postgres.put_back(copy)
    stack.healed()


def rebuilt_over_a_restore(stack: Stack, pace: Pace) -> None:
    """A session is derived anew, and Postgres goes back to before that command."""
    derived.laps(stack)
    stack.lasts(pace.drive_s)
    until(lambda: stack.database.rows("select from lap"), "there is a lap")
    with faults.database_goes_back(stack):
        stack.pitbox("rebuild", SESSION)
        stack.lasts(pace.drive_s)
    stack.healed()


def two_pcs_drive_beside_restores(stack: Stack, pace: Pace) -> None:
    """A driver's two PCs drive in one session while timing, streams and Postgres go back."""
    derived.laps(stack)
    second = derived.laps(stack)
    stack.lasts(pace.drive_s)
    with faults.database_goes_back(stack):
        stack.lasts(pace.drive_s)
        with faults.killed(stack.timing), faults.killed(second):
            stack.lasts(1)
        with faults.store_goes_back(stack):
            stack.lasts(pace.drive_s)
    stack.healed()


def all_killed_at_once(stack: Stack, pace: Pace) -> None:
    """A power cut of the hub, repeatedly: every server and service is killed."""
    derived.laps(stack)
    for _ in range(pace.kills):
        stack.lasts(pace.drive_s)
        with (
            faults.postgres_stopped(stack),
            faults.killed(stack.nats),
            faults.killed(stack.persister),
            faults.killed(stack.timing),
        ):
            pass
    stack.healed()


CASES = (
    *(database_goes_back_and_forth, database_goes_back_while_timing_is_paused),
    *(database_goes_back_between_two_timings, database_goes_back_beyond_the_session),
    *(rebuilt_over_a_restore, two_pcs_drive_beside_restores, all_killed_at_once),
)
