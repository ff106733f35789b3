"""The spool: what this PC recorded, on its disk, until Postgres has it."""
