"""Postgres: connections, a pool, migrations, and its errors."""
