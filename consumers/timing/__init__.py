"""Derive sessions, laps and sectors from telemetry.

Reads: live chunks of TELEMETRY, and chunks, folds and facts in Postgres.
Writes: sessions, laps and folds to Postgres; timing.session, timing.lap and timing.deriving.
Guarantees: laps in Postgres are those of the chunks in Postgres, whatever was lost, repeated or
restored. A lap that changes, for example because a hole was filled, is published again with a
higher revision.
Does not guarantee: a lap on TIMING exactly once, and laps that are right within seconds while
older chunks are derived after an update.
"""
