"""The record of a running stack: its ports, its settings, and the process that runs it."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from pitbox.folder_lock import LockedError, folder_lock
from pitbox.identity.credentials import SUFFIX
from pitbox.identity.folder import write_private
from pitbox.settings import Gateway

ADDRESSES: Final = "addresses.json"


class Addresses(Struct, frozen=True):
    """Hold the ports of a running stack, the process that runs it, and where others reach it.

    `environment` holds the settings by which a command uses this stack.
    """

    supervisor: int
    nats: int
    postgres: int
    gateway: int
    nats_url: str
    page: str
    environment: dict[str, str] = {}


def write(folder: Path, running: Addresses) -> None:
    """Record a stack that runs in a folder, for the folder's owner alone."""
    write_private(folder / ADDRESSES, msgspec.json.encode(running).decode())


def forget(folder: Path) -> None:
    """Remove the record of a stack that does not run any more."""
    (folder / ADDRESSES).unlink(missing_ok=True)


def addresses(folder: Path) -> Addresses | None:
    """Return the addresses of the stack that runs in a folder, None when none runs there."""
    try:
        written = msgspec.json.decode((folder / ADDRESSES).read_bytes(), type=Addresses)
    except (OSError, msgspec.DecodeError):
        return None
    try:
        with folder_lock(folder):
            return None
    except LockedError:
        return written


def driver_file(keys: Path, driver: str) -> Path:
    """Return the file of a driver who was enrolled on the hub itself, beside its keys."""
    return keys / "drivers" / f"{driver}{SUFFIX}"


def page_of(given: Gateway, port: int) -> str:
    """Return the address of the pit wall for people."""
    name = given.names.partition(",")[0].strip()
    if name and given.proxies:
        return f"https://{name}/"
    return f"http{'s' if given.certificate else ''}://{name or '127.0.0.1'}:{port}/"
