"""Read telemetry in rows and columns: .csv, plain or gzipped, of known and of named columns."""

from producers.importers.table.frames import mapping, observations
from producers.importers.table.text import is_table

__all__ = ["is_table", "mapping", "observations"]
