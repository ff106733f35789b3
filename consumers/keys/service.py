"""The signing of identities as a service."""

import asyncio
from typing import Final

from pitbox import topology
from pitbox.bus import Bus
from pitbox.service import Service
from pitbox.settings import Settings
from schemas.keys import Enrol, Enrolled, Renew, Renewed, Revoke, Revoked

NAME: Final = "keys"


class Keys:
    """Answer who may enrol, renew or revoke an identity."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        """Prepare."""
        self._settings = settings
        self._topology = topology.load(settings.streams)

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set."""
        bus = Bus(NAME, self._topology)
        await bus.open(self._settings.nats)
        try:
            await bus.answer("keys.enrol", self._enrol)
            await bus.answer("keys.renew", self._renew)
            await bus.answer("keys.revoke", self._revoke)
            await stop.wait()
        finally:
            await bus.close()

    async def _enrol(self, asked: Enrol) -> Enrolled:
        return Enrolled(driver=asked.driver, refused="nothing is signed yet")

    async def _renew(self, asked: Renew) -> Renewed:
        return Renewed(driver=asked.driver, refused="nothing is signed yet")

    async def _revoke(self, asked: Revoke) -> Revoked:
        return Revoked(driver=asked.driver, refused="nothing is signed yet")


def service(settings: Settings) -> Service:
    """Return the signing service; raises TopologyError when streams.yaml does not know it."""
    return Keys(settings)
