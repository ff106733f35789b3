"""Find when the volume of Postgres is full at today's rate."""

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from commands.hub.findings import Finding
from commands.hub.volume import volume
from pitbox.settings import Retention, Settings
from pitbox.settings.address import is_loopback

if TYPE_CHECKING:  # a driver's PC has no asyncpg
    from pitbox.postgres.growth import Growth

WHAT: Final = "growth of Postgres"
HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S
YEAR_S: Final = 365 * DAY_S
SOON_S: Final = 2 * DAY_S
UNITS: Final = ((YEAR_S, "years"), (DAY_S, "days"))
REMEDY: Final = "make room, or limit what is kept: PITBOX_RETENTION__TELEMETRY_BYTES"


async def of_postgres(loaded: Settings, timeout_s: float) -> Finding:
    """Ask Postgres for its growth, and return how long the free room lasts."""
    from pitbox.postgres.connection import connected
    from pitbox.postgres.errors import PostgresDown, Refused
    from pitbox.postgres.growth import growth

    url = loaded.postgres.url
    try:
        async with connected(url, "pitbox-doctor", timeout_s=timeout_s) as connection:
            grows = await growth(connection)
    except (PostgresDown, Refused) as error:
        return Finding(WHAT, False, str(error))
    here = is_loopback(urlsplit(url).hostname or "")
    free_bytes = _free_bytes(Path(grows.folder)) if here and grows.folder else None
    return of_growth(grows, free_bytes, loaded.retention)


def of_growth(grows: "Growth", free_bytes: float | None, limits: Retention) -> Finding:
    """Return how long the free room lasts; `free_bytes` is None on another machine's volume."""
    rate = f"{_size(grows.bytes_per_s * HOUR_S)} an hour over the last day"
    limit = limits.telemetry_bytes
    if not grows.bytes_per_s:
        return Finding(WHAT, True, "no telemetry was stored in the last day")
    if free_bytes is None:
        return Finding(WHAT, True, f"{rate}; its volume is on another machine")
    if limit and limit - grows.stored_bytes < free_bytes:
        kept = f"retention keeps telemetry below {_size(limit)}, now {_size(grows.stored_bytes)}"
        return Finding(WHAT, True, f"{kept}; {rate}")
    left_s = free_bytes / grows.bytes_per_s
    detail = f"full in about {_about(left_s)} at today's rate: {rate}, {_size(free_bytes)} free"
    is_soon = left_s < SOON_S
    return Finding(WHAT, not is_soon, f"{detail}; {REMEDY}" if is_soon else detail)


def _free_bytes(folder: Path) -> int | None:
    """Return the free room of a folder's volume, None for a folder that is not here."""
    return volume(folder).free_bytes if folder.is_dir() else None


def _about(seconds: float) -> str:
    larger = (unit for unit in UNITS if seconds >= 2 * unit[0])
    unit_s, name = next(larger, (HOUR_S, "hours"))
    return f"{seconds / unit_s:.0f} {name}"


def _size(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e8 else f"{size_bytes / 1e6:.1f} MB"
