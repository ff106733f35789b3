"""How the corners of own laps were driven."""

from typing import Final

from pitbox.postgres.passes import PASSES
from schemas.passes import Passes

EVENT: Final = Passes
SELECT: Final = PASSES.select("passes")
UPSERT: Final = PASSES.upsert("passes")
DELETE: Final = PASSES.delete("passes")
fact, parameters = PASSES.event, PASSES.parameters


def place(passes: Passes) -> tuple[str, int]:
    """Return car and number of the lap."""
    return passes.car, passes.lap_number
