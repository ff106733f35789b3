"""Rows of the table `lap`, which timing writes."""

from typing import Final

from pitbox.postgres.columns import Columns
from schemas.timing import Lap

LAPS: Final = Columns(Lap, key=("session", "driver", "car", "lap_number"))
