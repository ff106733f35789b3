"""Totals, in a table that tests create."""

from typing import Final

from consumers.timing.tables import lap

EVENT: Final = lap.EVENT
SELECT: Final = lap.SELECT.replace("from lap", "from toy_total")
UPSERT: Final = lap.UPSERT.replace("into lap", "into toy_total")
DELETE: Final = lap.DELETE.replace("from lap", "from toy_total")
place, fact, parameters = lap.place, lap.fact, lap.parameters
