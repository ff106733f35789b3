"""Read recorded data from Postgres: sessions, laps, holes and telemetry.

Reads only, as the services' Postgres user. Writes nothing. Each query leaves out the drivers that
are hidden from the requester. Guarantees no freshness: the persister writes a few seconds after the
event.
"""
