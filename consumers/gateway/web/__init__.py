"""Serve HTTP: the listener, the request guard, the REST endpoints, the pages and the WebSocket.

Reads requests (JSON of `schemas.api`, at most 4 kB) and answers JSON, msgpack or CSV; errors are
`Problem`. Every request passes the guard (Host, Origin, rate) and the role table. Writes to
Postgres through `pitbox.people`, and sends requests to the service `keys` over NATS.
"""
