"""Fold telemetry into sessions, laps and sectors.

Reads: chunks and marks of TELEMETRY. Writes: timing.session and timing.lap.
Guarantees: laps depend on the chunks only, not on their order, repetition or cutting. A lap that
changes, for example because a hole was filled, is published again with a higher revision.
Does not guarantee: revisions that continue after the stream has removed a session's first chunks.
"""
