"""Deletions of a session during faults: nothing of it returns, and later driving is stored.

A case ends with the usual verdict, in which a row of a deleted run is one that nobody made, and a
fact without chunks is wrong.
"""

from tests.faults import faults
from tests.faults.derived import LAP_SPEED
from tests.faults.ledger import Identity, spooled
from tests.faults.pace import Pace
from tests.faults.programs import Driver
from tests.faults.stack import Stack
from tests.tools.servers import until


def deleted_while_it_is_driven(stack: Stack, pace: Pace) -> None:
    """A session is deleted while its driver drives on."""
    _laps(stack, pace)
    stack.delete()
    stack.lasts(pace.drive_s)
    stack.healed()
    _goes_on(stack)


def deleted_while_the_persister_is_away(stack: Stack, pace: Pace) -> None:
    """A session is deleted, and driven on, while the persister does not run."""
    _laps(stack, pace)
    with faults.killed(stack.persister):
        stack.lasts(pace.drive_s)
        stack.delete()
        stack.lasts(pace.drive_s)
    stack.healed()
    _goes_on(stack)


def deleted_while_timing_is_away(stack: Stack, pace: Pace) -> None:
    """A session is deleted while timing does not run; its snapshot may not come back."""
    _laps(stack, pace)
    with faults.killed(stack.timing):
        stack.lasts(pace.drive_s)
        stack.delete()
        stack.lasts(pace.drive_s)
    stack.healed()
    _goes_on(stack)


def deleted_while_the_spool_is_away(stack: Stack, pace: Pace) -> None:
    """A session is deleted while the PC is off whose spool holds copies and unsent chunks."""
    car = _laps(stack, pace)
    with faults.link_cut(car):
        stack.lasts(pace.drive_s)
        car.kill()
        copies = _copies(car)
        stack.delete()
    until(stack.is_deleted, "the deletion is finished", 60)
    car.start()
    stack.healed()
    until(lambda: not spooled(car.spool, copies), "the copies leave the spool", 60)


def store_goes_back_after_a_deletion(stack: Stack, pace: Pace) -> None:
    """The streams return to a state from before the deletion, with all messages of the session."""
    _laps(stack, pace)
    with faults.store_goes_back(stack):
        stack.delete()
        _goes_on(stack)
        stack.lasts(pace.drive_s)
    stack.healed()


def store_wiped_after_a_deletion(stack: Stack, pace: Pace) -> None:
    """Every stream is deleted just after the session, and both services start anew."""
    _laps(stack, pace)
    with faults.killed(stack.persister), faults.killed(stack.timing):
        stack.delete()
        with faults.store_wiped(stack):
            stack.lasts(1)
    stack.healed()
    _goes_on(stack)


def _laps(stack: Stack, pace: Pace) -> Driver:
    car = stack.driver()
    car.drives(speed=LAP_SPEED)
    car.start()
    until(lambda: stack.database.rows("select from lap"), "there is a lap")
    stack.lasts(pace.drive_s)
    return car


def _copies(car: Driver) -> set[Identity]:
    return {entry.identity for entry in car.recorded().made}


def _goes_on(stack: Stack) -> None:
    """Wait until all is deleted and the driver's app has begun a new run."""
    until(stack.is_deleted, "the deletion is finished", 60)
    until(stack.committed, "a new run is driven", 60)


CASES = (
    *(deleted_while_it_is_driven, deleted_while_the_persister_is_away),
    *(deleted_while_timing_is_away, deleted_while_the_spool_is_away),
    *(store_goes_back_after_a_deletion, store_wiped_after_a_deletion),
)
