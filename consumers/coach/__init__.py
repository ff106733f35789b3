"""Decide what is worth saying about a lap, from how its corners were driven.

Pure: `decide` folds the facts of corners into at most one moment a lap, with its evidence, or the
reason for silence; `debrief` folds a stint into what it shows as a whole.
Reads: passes in Postgres; timing.passes wakes it.
Writes: moments, silences, debriefs and folds to Postgres; coach.moment, coach.silence and
coach.debrief.
Guarantees: moments in Postgres are those of the passes in Postgres; equal facts in equal order give
equal moments; a moment never claims more seconds than its corner lost.
Does not guarantee: a cause where the traces do not tell; the moment then names the corner only.
"""
