"""Laps of the driver's car, and of others as the driver's PC saw them."""

from typing import Final

from pitbox.postgres.laps import LAPS
from schemas.timing import Lap

EVENT: Final = Lap
SELECT: Final = LAPS.select("lap")
UPSERT: Final = LAPS.upsert("lap")
DELETE: Final = LAPS.delete("lap")
fact, parameters = LAPS.event, LAPS.parameters


def place(lap: Lap) -> tuple[str, int]:
    """Return car and number."""
    return lap.car, lap.lap_number
