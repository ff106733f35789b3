"""Connect to Postgres, alone or by a pool, and migrate its schema.

Reads: the settings of its callers and infra/migrations. Writes: the schema of the database; callers
write the rows.
Guarantees: every error of asyncpg becomes `PostgresDown` or `Refused`, and its text quotes no row.
After an error inside a transaction the connection is closed, so a new one reads what is committed.
Does not guarantee: that a transaction failed when it raised PostgresDown: its commit may be done.
"""
