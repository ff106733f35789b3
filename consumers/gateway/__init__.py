"""Serve the pit wall: live data over one WebSocket per page, recorded data over REST.

Reads: telemetry, sessions, laps, receipts and hellos from NATS (core subscriptions, no durable);
recorded data, accounts, logins and consents from Postgres.
Writes: accounts, logins, consents, enrolment codes and the audit log to Postgres; requests to
`keys` over NATS. It never publishes telemetry or timing.
Guarantees: each request and each open socket is authorised against Postgres; data of a driver who
hides it from a role reaches that role by no endpoint and in no live message.
Does not guarantee: delivery of every live frame. A slow page loses the oldest frames and receives
the number lost; recorded frames are in Postgres.
"""
