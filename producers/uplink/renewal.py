"""Renew the credentials of a driver's PC before they expire, and reconnect with the new ones."""

import asyncio
import time
from pathlib import Path
from typing import Final

from pitbox import logs
from pitbox.identity import credentials
from pitbox.identity.credentials import Credentials
from pitbox.identity.folder import KeysError
from pitbox.nats.bus import Bus, BusDown
from schemas.keys import Renew, Renewed

LOOK_S: Final = 60.0
RETRY_S: Final = 30.0
ANSWER_S: Final = 5.0

log = logs.get("renewal")


async def renew_in_time(bus: Bus, file: Path) -> None:
    """Renew the credentials in a file at two thirds of their validity, until cancelled."""
    while True:
        wait_s = RETRY_S
        try:
            known = credentials.read(file)
            wait_s = _wait_s(known, time.time())
            if wait_s <= 0:
                wait_s = min(RETRY_S, max(known.claimed.exp - time.time(), 1.0) / 4)
                await bus.up.wait()
                await renew(bus, file, known)
                continue
        except (BusDown, KeysError, OSError) as error:
            log.warning("credentials cannot be renewed yet", reason=str(error))
        await asyncio.sleep(min(wait_s, LOOK_S))


def _wait_s(known: Credentials, now_s: float) -> float:
    """Return the seconds until the next renewal; credentials without an expiry need none."""
    return known.renewed_s - now_s if known.claimed.exp else LOOK_S


async def renew(bus: Bus, file: Path, known: Credentials) -> None:
    """Renew once; raises BusDown without an answer, KeysError when the request is refused."""
    wish = Renew(driver=known.name, public_key=known.pair.public)
    answer: Renewed = await bus.request("keys.renew", wish, timeout_s=ANSWER_S)
    if answer.refused:
        raise KeysError(answer.refused)
    fresh = Credentials(answer.jwt, known.pair)
    if fresh.name != known.name:
        raise KeysError("the new credentials are of somebody else")
    fresh.write(file)
    await bus.replace()
    log.info("credentials renewed")
