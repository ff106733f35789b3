"""Derive tracks and their corners from laps, and how each lap took them.

Pure so far: `learning` finds a track's corners, `decide` folds the own laps of a driver in a
session into how their corners were driven against the driver's usual way.
Guarantees: equal laps in equal order give equal facts; the losses of a lap add up to its
difference from the usual one.
Does not guarantee: a cause of a loss; that is the coach's decision.
"""
