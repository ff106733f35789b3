"""Fold telemetry into sessions, laps and sectors.

Holes that fill later change what was said before: a lap comes again with a higher revision.
"""
