"""Enrol a driver's PC from the hub's own machine, without a code."""

import asyncio
import time
from pathlib import Path
from typing import Final

from pitbox.identity import credentials
from pitbox.identity.credentials import Credentials
from pitbox.identity.folder import KeysError
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.permissions import SETUP
from pitbox.nats.bus import Bus, BusDown
from pitbox.settings import Nats
from pitbox.topology import Topology
from schemas.keys import Enrol, Enrolled

PATIENCE_S: Final = 20.0
PAUSE_S: Final = 0.2
ANSWER_S: Final = 5.0


async def enrol(server: Nats, topology: Topology, driver: str, file: Path) -> None:
    """Write credentials of a driver to a file; an existing file keeps its key.

    Waits for the service `keys`. Raises KeysError when it refuses, BusDown when it is away.
    """
    pair = _pair(file)
    bus = await Bus.connect(server, SETUP, topology, forever=False)
    try:
        enrolled = await _asked(bus, Enrol(driver=driver, public_key=pair.public))
    finally:
        await bus.close()
    if enrolled.refused:
        raise KeysError(f"{driver} is not enrolled: {enrolled.refused}")
    Credentials(enrolled.jwt, pair).write(file)


def _pair(file: Path) -> KeyPair:
    return credentials.read(file).pair if file.exists() else KeyPair.new(Kind.USER)


async def _asked(bus: Bus, wish: Enrol) -> Enrolled:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer: Enrolled = await bus.request("keys.enrol", wish, timeout_s=ANSWER_S)
        except BusDown:
            if time.monotonic() > deadline:
                raise
        else:
            if not answer.later or time.monotonic() > deadline:
                return answer
        await asyncio.sleep(PAUSE_S)
