"""Forward live data from NATS to the pages that subscribed to it.

Reads telemetry, sessions, laps, receipts and hellos over core NATS subscriptions, and once per
subscription and reconnect the session's facts from Postgres. Writes msgpack messages
(`schemas.wall`) into one bounded outbox per page. Facts arrive at least once, the newest last;
frames may be dropped for a slow page, which then receives their number.
"""
