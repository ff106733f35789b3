"""Migrate the database to the schema of this version."""

import asyncio

from commands.cli import CommandError
from commands.hub import nearby


def migrate(*, wait_s: float = 20.0) -> None:
    """Apply the pending migrations, one process at a time.

    Example: PITBOX_POSTGRES__URL=postgresql://pitbox@127.0.0.1/pitbox pitbox migrate

    Parameters
    ----------
    wait_s
        longest wait for Postgres, in seconds
    """
    from pitbox.postgres import migration

    found = nearby.find()
    url = found.settings.postgres.url
    try:
        asyncio.run(migration.migrate(url, migration.FOLDER, wait_s=wait_s))
    except migration.MigrationError as error:
        raise CommandError(f"{error}; {found.origin('postgres')}") from None
