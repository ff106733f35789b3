"""Forward live data from NATS to the outbox of every client that subscribed to it.

Frames come over core NATS subscriptions, not from JetStream: a late frame is of no use on a live
page, and recorded frames are served by REST.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from consumers.gateway import metrics
from consumers.gateway.live.deletions import Deletions
from consumers.gateway.live.facts import TABLE
from consumers.gateway.live.fanout import Choice, Fanout, choice
from consumers.gateway.live.latest import Latest
from consumers.gateway.live.outbox import Outbox
from consumers.gateway.live.presence import Presences
from consumers.gateway.live.table import Table
from consumers.gateway.live.telemetry import IS_LATE, Telemetry, now_ms
from consumers.gateway.past import holes
from pitbox.nats.bus import Bus
from pitbox.postgres.errors import PostgresDown
from pitbox.postgres.pool import Pool
from pitbox.topology import Topology
from schemas.base import Event
from schemas.hub import HubState
from schemas.wall import FromPage, Ping, Pong, Presence, Refused, Subscribe

MAX_CLIENTS: Final = 512
TICK_S: Final = 0.25
# Facts published while this gateway was disconnected are read from Postgres. They are read twice,
# because the persister may write them a few seconds later.
REREAD_S: Final = (1.0, 10.0)

LINKS: Final = ("link.hello", "link.receipt")
HUB: Final = "hub.state"
HANDLED: Final = (*IS_LATE, *LINKS, HUB)
"""The routes that carry no facts: frames are cut to channels, links are folded to presences, and
the hub's state goes to every page."""

encode: Final = msgspec.msgpack.Encoder().encode
decode_page: Final = msgspec.msgpack.Decoder(FromPage).decode


class Feed:
    """Hold the clients, and send each the frames and facts that it subscribed to."""

    def __init__(
        self,
        topology: Topology,
        archive: Pool,
        *,
        table: Table = TABLE,
        max_clients: int = MAX_CLIENTS,
    ) -> None:
        self._topology = topology
        self._archive = archive
        self._table = table
        self._max_clients = max_clients
        self._hidden: dict[Outbox, frozenset[str]] = {}
        self._first_sends: dict[Outbox, asyncio.Future[None]] = {}
        self._fanout: Fanout[Outbox] = Fanout()
        self._latest = Latest(table)
        self._presences = Presences()
        self._rereads: list[float] = []
        self._deletions = Deletions(
            archive,
            latest=self._latest,
            presences=self._presences,
            fanout=self._fanout,
            read_facts=self._read_facts,
        )
        self._telemetry = Telemetry(topology, self._fanout, self._presences, self._deletions)

    @property
    def is_full(self) -> bool:
        """Return whether the limit of clients is reached."""
        return len(self._hidden) >= self._max_clients

    def join(self, client: Outbox, hidden: frozenset[str] = frozenset()) -> None:
        """Add a client; it never receives data of the drivers in `hidden`."""
        self._hidden[client] = hidden
        metrics.clients.set(len(self._hidden))

    def leave(self, client: Outbox) -> None:
        """Remove a client."""
        self._telemetry.pass_on()
        self._hidden.pop(client, None)
        self._fanout.leave(client)
        self._cancel_first_send(client)
        _record([client])
        metrics.clients.set(len(self._hidden))

    def hide(self, client: Outbox, hidden: frozenset[str]) -> bool:
        """Set the drivers that are hidden from a client; return whether it must be closed.

        True when the client was already sent data that is hidden now: a driver it subscribed to, or
        facts that may be about the hidden driver.
        """
        before = self._hidden[client]
        chosen = self._fanout.chosen(client)
        if hidden == before or chosen is None:
            self._hidden[client] = hidden
            return False
        lost = any(chosen.shows(driver) or not before for driver in hidden - before)
        self._hidden[client] = hidden
        self._subscribe(client, chosen)
        return lost

    def receive(self, client: Outbox, message: bytes) -> None:
        """Act on a client's message (msgpack of `schemas.wall`), or answer `Refused`."""
        try:
            match decode_page(message):
                case Ping(token=token):
                    client.put_fact("pong", encode(Pong(token=token, hub_ms=now_ms())))
                case Subscribe() as wish:
                    self._subscribe(client, choice(wish))
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            client.put_fact("refused", encode(Refused(reason=str(error)[:300])))

    async def run(self, bus: Bus) -> None:
        """Subscribe on the bus and forward to the clients, until cancelled."""
        for route, late in IS_LATE.items():
            await bus.listen_raw(route, self._telemetry.receiver(route, late=late))
        for route in self._table.routes:
            await bus.listen(route, self._receive_fact)
        for route in LINKS:
            await bus.listen(route, self._receive_link)
        await bus.listen(HUB, self._receive_hub)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_presences())
            tasks.create_task(self._reread(bus))
            tasks.create_task(self._deletions.watch())

    async def _send_presences(self) -> None:
        while True:
            for presence in self._presences.due(now_ms()):
                watching = self._fanout.watchers(presence.session, presence.driver)
                self._put_presence(watching, presence)
            metrics.backlog.set(sum(len(client) for client in self._hidden))
            _record(self._hidden)
            metrics.encoded.inc(self._telemetry.newly_encoded())
            await asyncio.sleep(TICK_S)

    async def _reread(self, bus: Bus) -> None:
        """Read facts from Postgres after every reconnect; retry until Postgres answers."""
        connects = bus.connects
        while True:
            if bus.connects != connects:
                connects = bus.connects
                self._rereads = [time.monotonic() + wait_s for wait_s in REREAD_S]
            if self._rereads and self._rereads[0] <= time.monotonic():
                self._rereads.pop(0)
                for session in self._fanout.sessions:
                    await self._read_facts(session)
            await asyncio.sleep(TICK_S)

    def _subscribe(self, client: Outbox, wished: Choice) -> None:
        chosen = msgspec.structs.replace(wished, hidden=self._hidden[client])
        self._telemetry.pass_on()
        self._fanout.choose(client, chosen)
        client.clear_frames()
        for presence in self._presences.of(chosen.session):
            if chosen.shows(presence.driver):
                self._put_presence([client], presence)
        self._cancel_first_send(client)
        self._first_sends[client] = asyncio.ensure_future(self._send_facts(client, chosen))

    async def _send_facts(self, client: Outbox, chosen: Choice) -> None:
        await self._read_facts(chosen.session)
        for entry in self._latest.of(chosen.session):
            if chosen.includes(entry):
                client.put_fact(entry.identity, entry.message)

    def _cancel_first_send(self, client: Outbox) -> None:
        task = self._first_sends.pop(client, None)
        if task is not None:
            task.cancel()

    async def _read_facts(self, session: str) -> None:
        try:
            async with self._archive.connection() as connection:
                known: list[Event] = []
                for row in self._table:
                    known += await row.read(connection, session) if row.read else ()
                ended = await holes.closed(connection, session)
        except PostgresDown:
            if not self._rereads:
                self._rereads.append(time.monotonic() + REREAD_S[0])
            return
        self._forward(known)
        for presence in ended:
            self._presences.restore(presence)

    def _forward(self, facts: list[Event]) -> None:
        for entry in self._latest.update(facts):
            for client in self._fanout.receivers(entry):
                client.put_fact(entry.identity, entry.message)

    def _receive_fact(self, fact: Event) -> None:
        self._forward([fact])

    def _receive_link(self, event: Any) -> None:
        if not self._deletions.covers(event):
            self._presences.update(event, now_ms())

    def _receive_hub(self, state: HubState) -> None:
        """Show a state of the hub in the metrics, and send it to every page."""
        metrics.hub_refuses.labels("nats-server").set(state.nats_refuses)
        metrics.hub_refuses.labels("postgres").set(state.postgres_refuses)
        metrics.hub_free_bytes.set(state.free_bytes)
        metrics.hub_low_room.set(state.low_room)
        encoded = encode(state)
        for client in self._hidden:
            client.put_fact(HUB, encoded)

    def _put_presence(self, clients: Iterable[Outbox], presence: Presence) -> None:
        key, encoded = ("presence", presence.session, presence.driver), encode(presence)
        for client in clients:
            client.put_fact(key, encoded)


def _record(clients: Iterable[Outbox]) -> None:
    """Add to the metrics what the clients were sent and lost since the last time."""
    counts = [client.newly() for client in clients]
    metrics.sent.inc(sum(sent for sent, _ in counts))
    metrics.dropped.inc(sum(dropped for _, dropped in counts))
