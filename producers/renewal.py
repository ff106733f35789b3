"""Renew the credentials of a driver's PC before they end, and go over to them while driving."""

import asyncio
import time
from pathlib import Path
from typing import Final

from pitbox import logs
from pitbox.bus import Bus, BusDown
from pitbox.identity import credentials
from pitbox.identity.credentials import Credentials
from pitbox.identity.folder import KeysError
from schemas.keys import Renew, Renewed

LOOK_S: Final = 60.0
RETRY_S: Final = 30.0
ANSWER_S: Final = 5.0

log = logs.get("renewal")


async def renew_in_time(bus: Bus, file: Path) -> None:
    """Renew for ever, each time at two thirds of a life."""
    while True:
        known = credentials.read(file)
        left_s = known.renewed_s - time.time()
        if not known.claimed.exp or left_s > 0:
            await asyncio.sleep(min(max(left_s, 0.0) or LOOK_S, LOOK_S))
            continue
        try:
            await bus.up.wait()
            await renew(bus, file, known)
        except (BusDown, KeysError) as error:
            log.warning("credentials cannot be renewed yet", reason=str(error))
            await asyncio.sleep(min(RETRY_S, max(known.claimed.exp - time.time(), 1.0) / 4))


async def renew(bus: Bus, file: Path, known: Credentials) -> None:
    """Renew once; raises BusDown when nobody answers, KeysError when it is refused."""
    wish = Renew(driver=known.name, public_key=known.pair.public)
    answer: Renewed = await bus.request("keys.renew", wish, timeout_s=ANSWER_S)
    if answer.refused:
        raise KeysError(answer.refused)
    fresh = Credentials(answer.jwt, known.pair)
    if fresh.name != known.name:
        raise KeysError("the new credentials are of somebody else")
    fresh.write(file)
    await bus.go_over()
    log.info("credentials renewed")
