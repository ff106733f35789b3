"""Examine whether nats-server stores: it may take messages, answer pings and store nothing.

Two signs are needed. A probe that is acknowledged proves that nats-server can write now. A stream
in which a write failed earlier stores nothing until nats-server is started again, also after its
disk has room: only nats-server's own health names that stream.
"""

import contextlib
import re
import time
from typing import Final

import nats.errors
import nats.js.errors
from msgspec import Struct

from pitbox.identity.permissions import SETUP
from pitbox.nats.bus import Bus, BusDown, NobodyListens
from pitbox.nats.system import Storage, System, has_system_user
from pitbox.settings import Nats
from pitbox.topology import Topology, admin
from pitbox.topology.admin import Change
from schemas.hub import Probe

ROUTE: Final = "store.probe"
ANSWER_S: Final = 2.0
FILLER: Final = bytes(4096)
"""One block of the usual file systems."""

FAILED_WRITE: Final = re.compile(r"stream '\S+ > (?P<stream>\S+)' write error: (?P<cause>.*)")
"""The health of nats-server 2.14 and later; `cause` begins with the failed call and its file."""

SILENT: Final = "it does not answer"
UNSTORED: Final = "it takes messages and stores none"
NO_JETSTREAM: Final = "its JetStream is off, or has no leader: its log says why"

ERRORS: Final = (TimeoutError, nats.errors.Error, nats.js.errors.Error, OSError)


class Refusal(Struct, frozen=True):
    """State why nats-server stores nothing.

    `certain` is True when nats-server itself names a failed write: no wait heals that.
    """

    reason: str
    certain: bool = False


class Prober:
    """Probe one nats-server, over the hub's account and the system account."""

    def __init__(self, topology: Topology, by: str, *, answer_s: float = ANSWER_S) -> None:
        """Prepare; `by` names the program that asks."""
        self.bus = Bus(SETUP, topology)
        self._system: System | None = None
        self._topology = topology
        self._by = by
        self._answer_s = answer_s

    async def open(self, server: Nats, *, forever: bool) -> None:
        """Connect, also to the system account if its credentials are at hand.

        Raises as `Connection.open`.
        """
        await self.bus.open(server, forever=forever)
        if has_system_user(server):
            self._system = System()
            await self._system.open(server, forever=forever)

    async def close(self) -> None:
        """Disconnect."""
        await self.bus.close()
        if self._system is not None:
            await self._system.close()

    async def storage(self) -> Storage | None:
        """Return the use and the limits of storage, None where only others may ask for them."""
        if self._system is None:
            return None
        with contextlib.suppress(BusDown):
            return await self._system.storage()
        return None

    async def differences(self) -> list[Change]:
        """Return the differences between nats-server and streams.yaml; raises BusDown."""
        try:
            return await admin.plan(self.bus.jetstream, self._topology)
        except ERRORS as error:
            raise BusDown(f"nats-server does not name its streams: {error!r}") from None

    async def refusal(self) -> Refusal | None:
        """Return why nats-server stores nothing, None when it stores."""
        unproved = await self._try()
        if unproved == SILENT:
            return Refusal(SILENT)
        failed = FAILED_WRITE.search(await self._health())
        if failed is not None:
            cause = failed["cause"].rpartition(": ")[2]
            reason = f"a write of its stream {failed['stream']} failed ({cause})"
            return Refusal(reason, certain=True)
        return Refusal(unproved) if unproved else None

    async def _health(self) -> str:
        if self._system is None:
            return ""
        with contextlib.suppress(BusDown):
            return await self._system.health()
        return ""

    async def _try(self) -> str:
        try:
            await self._store()
        except NobodyListens:
            return await self._create_stream()
        except BusDown:
            return UNSTORED if await self.bus.alive(self._answer_s) else SILENT
        return ""

    async def _store(self) -> None:
        probe = Probe(by=self._by, at_ns=time.time_ns(), filler=FILLER)
        await self.bus.store(ROUTE, probe, timeout_s=self._answer_s)

    async def _create_stream(self) -> str:
        """Create the stream of probes, which no service does, and probe again."""
        name = self._topology.stream_of[ROUTE]
        config = admin.stream_config(name, self._topology.streams[name])
        try:
            await self.bus.jetstream.add_stream(config)
            await self._store()
        except (BusDown, *ERRORS):
            return NO_JETSTREAM
        return ""
