"""Sign the identities of drivers, and keep nats-server's account claims equal to Postgres.

Reads: requests to enrol, renew and revoke (core NATS); `nats_account` and `nats_user` in Postgres;
nats-server's claims and traffic counters.
Writes: JWTs in its answers; both tables; claims in nats-server; audit entries for penalties. Purges
the messages of a suspended or revoked driver from the telemetry streams.
Guarantees: one process signs at a time (an advisory lock in Postgres); Postgres is written before
nats-server; both are synced again as soon as both can be reached. A driver who exceeds the
allowance is disconnected at the next check (one per second), also while Postgres is down.
Does not guarantee: an answer while Postgres or nats-server is down (`later` is set: ask again).
"""
