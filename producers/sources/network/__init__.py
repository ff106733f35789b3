"""Datagrams of games: sockets, requests for telemetry, and the choice of the game to follow.

Reads: UDP datagrams of F1, Gran Turismo 7 and Assetto Corsa.
Writes: heartbeats to a console, handshakes to Assetto Corsa; yields observations of one game.
Guarantees: a datagram is stamped on arrival, on a thread of its own; ports are free after closing.
Does not guarantee: that a datagram is decoded. A full inbox drops the oldest and counts it.
"""
