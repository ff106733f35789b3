"""Bring the database to the shape this version needs."""

import asyncio

from commands.cli import CommandError
from pitbox import settings


def migrate(*, wait_s: float = 20.0) -> None:
    """Apply the migrations that the database does not have yet, one process at a time.

    Example: PITBOX_POSTGRES__URL=postgresql://pitbox@127.0.0.1/pitbox pitbox migrate

    Parameters
    ----------
    wait_s
        how long to wait for Postgres, in seconds
    """
    from pitbox.postgres import migration

    loaded = settings.load()
    try:
        asyncio.run(migration.migrate(loaded.postgres.url, migration.FOLDER, wait_s=wait_s))
    except migration.MigrationError as error:
        raise CommandError(str(error)) from None
