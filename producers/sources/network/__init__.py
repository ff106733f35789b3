"""Datagrams of games: the socket, its thread, and which game sends."""
