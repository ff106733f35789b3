"""The case of an hour that waits in the spool."""

from tests.faults.pace import Pace
from tests.faults.stack import Stack


def hour_of_backlog(stack: Stack, pace: Pace) -> None:
    """An hour of driving waits in the spool while the next lap is driven."""
