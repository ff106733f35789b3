"""Forward live data from NATS to the pages that subscribed to it.

Reads telemetry, facts, receipts and hellos over core NATS subscriptions, and once per subscription
and reconnect the session's facts from Postgres. Writes msgpack messages (`schemas.wall`) into one
bounded outbox per page. Facts arrive at least once, the newest last; frames may be dropped for a
slow page, which then receives their number.

A new fact reaches a page by

1. its struct in schemas/, a subclass of `schemas.base.Event`, with its tag in schemas/registry.py;
2. its route in streams.yaml, which the gateway reads;
3. its type in `Fact` of schemas/wall.py (`make generated` writes the page's type);
4. its row in facts.py: key, replacement, visibility, and a reader where Postgres has a table of it;
5. its handler in dashboards/web/src/store/feed/, with a line in the table handlers.ts there.

A step left out is one error: at the gateway's start (1 to 4), by `make web-check` (5).
"""
