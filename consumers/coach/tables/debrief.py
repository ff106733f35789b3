"""What stints show as a whole."""

from typing import Final

from pitbox.postgres.coaching import DEBRIEFS
from schemas.coaching import Debrief

EVENT: Final = Debrief
SELECT: Final = DEBRIEFS.select("debrief")
UPSERT: Final = DEBRIEFS.upsert("debrief")
DELETE: Final = DEBRIEFS.delete("debrief")
fact, parameters = DEBRIEFS.event, DEBRIEFS.parameters


def place(debrief: Debrief) -> tuple[str, int]:
    """Return car and first lap of the stint."""
    return debrief.car, debrief.lap_number
