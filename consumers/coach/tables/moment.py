"""What is worth saying about laps."""

from typing import Final

from pitbox.postgres.coaching import MOMENTS
from schemas.coaching import Moment

EVENT: Final = Moment
SELECT: Final = MOMENTS.select("moment")
UPSERT: Final = MOMENTS.upsert("moment")
DELETE: Final = MOMENTS.delete("moment")
fact, parameters = MOMENTS.event, MOMENTS.parameters


def place(moment: Moment) -> tuple[str, int]:
    """Return car and number of the lap."""
    return moment.car, moment.lap_number
