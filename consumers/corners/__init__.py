"""Derive tracks and their corners from laps, and how each lap took them.

Pure: `learning` finds a track's corners, `decide` folds the own laps of a driver in a session into
how their corners were driven against the driver's usual way.
Reads: timing's sessions and laps, chunks and tracks in Postgres; timing.session and timing.lap wake
it.
Writes: tracks, passes and folds to Postgres; timing.track and timing.passes.
Guarantees: passes in Postgres are those of the laps and chunks in Postgres and of the track in the
table `track`; equal laps in equal order give equal facts; the losses of a lap add up to its
difference from the usual one.
Does not guarantee: a cause of a loss; that is the coach's decision.
"""
