"""Shows everything to the pit wall: live over one WebSocket, the past over REST.

It only reads: live telemetry, facts and links from the bus, what is stored from Postgres.
"""
