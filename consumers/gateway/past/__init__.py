"""Recorded data: sessions, laps, frames and traces out of Postgres."""
