"""Why nothing is said about laps."""

from typing import Final

from pitbox.postgres.coaching import SILENCES
from schemas.coaching import Silence

EVENT: Final = Silence
SELECT: Final = SILENCES.select("silence")
UPSERT: Final = SILENCES.upsert("silence")
DELETE: Final = SILENCES.delete("silence")
fact, parameters = SILENCES.event, SILENCES.parameters


def place(silence: Silence) -> tuple[str, int]:
    """Return car and number of the lap."""
    return silence.car, silence.lap_number
