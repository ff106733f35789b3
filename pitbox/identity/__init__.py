"""Make the identities of nats-server's users: keys, signed claims, permissions, credentials.

Reads streams.yaml (permissions derive from it) and the hub's key folder. Writes that folder and
credentials files, each readable by its owner only. Formats are NATS's own: nkeys, JWTs version 2,
.creds files. Opens no connection; `consumers.keys` pushes the claims to nats-server.
"""
