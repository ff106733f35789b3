"""A hub with a driving victim, a service that answers anybody, and a subscriber to everything."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import nats
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg

from pitbox import topology
from pitbox.identity.credentials import Identity
from pitbox.topology import admin
from tests.attacks.name_gateway import NameGateway
from tests.attacks.state import request, state
from tests.attacks.usual import ALL_ALLOWED, UsualServer
from tests.attacks.wire import Wire
from tests.tools.servers import NatsServer

ATTACKER: Final = "mallory"
VICTIM: Final = "bea"
MARK: Final = b"attack"
SCENE: Final = b"scene"
INBOX: Final = f"_INBOX.{ATTACKER}.x"
OWN: Final = f"telemetry.{ATTACKER}.s.live"
ASK: Final = f"ask.{ATTACKER}.s"
RENEW: Final = f"renew.{ATTACKER}"
ASKER: Final = "flo"
REQUESTS: Final = 1000
NEXT: Final = "$JS.API.CONSUMER.MSG.NEXT.TELEMETRY.persister"
OVERHEARD: Final = (
    *("_INBOX.gateway.x", "_INBOX.persister.x", "_INBOX.bea.x", "$JS.ACK.x", "$JS.API.x"),
    *("$SYS.x", "news"),
)
"""What is said in the hub beside what streams.yaml names."""

WATCH_S: Final = 0.12
RECEIVED_S: Final = 10.0
STORED: Final = 6
READ: Final = 5


class Scene:
    """The participants of an attack; `harmed` returns its effect."""

    def __init__(self, *servers: NatsServer) -> None:
        """Prepare; in an ordinary hub the attacker is one of its users."""
        server = servers[0]
        self.server = server
        self.servers = servers
        self.control = isinstance(server, UsualServer)
        if isinstance(server, UsualServer):
            self.file, self.system = server.user(ATTACKER), server.administrator()
        else:
            self.file = self.system = server.driver(ATTACKER)
        self.topology = topology.load()
        self.seen: list[tuple[str, bytes, bytes]] = []
        self.name_gateway: NameGateway | None = None
        self.web_port = 0
        self.requested_s = 0.0
        self._sent = 0
        self._before: Any = None
        self._requester: Wire | None = None
        self._witness = Client()
        self._victim = Client()

    async def start(self) -> None:
        """Connect all participants."""
        self._witness = await nats.connect(self.server.url, **self.server.options())
        who = Identity(self.server.driver(VICTIM)).options()
        self._victim = await nats.connect(self.server.url, **who)
        await self._witness.subscribe(">", cb=self._see)
        for route in ("link.ask", "keys.renew"):
            await self._witness.subscribe(self.topology.filter(route), cb=_answer_carelessly)
        await self.restore()
        await self._send_unanswered()

    async def end(self) -> None:
        """Disconnect all participants."""
        if self._requester:
            await self._requester.close()
        await self._victim.close()
        await self._witness.close()

    async def restore(self) -> None:
        """Restore streams and durables, with messages that are delivered and not acknowledged."""
        jetstream = self._witness.jetstream()
        for stream in self.topology.streams:
            await request(self._witness, f"$JS.API.STREAM.DELETE.{stream}")
        await request(self._witness, "$JS.API.STREAM.DELETE.EVIL")
        await admin.apply(jetstream, self.topology)
        if self.control:
            await self._allow_all()
        for _ in range(STORED):
            await self._victim.jetstream().publish(self.of("telemetry.live", VICTIM), SCENE)
        await self._read(READ, expires=2_000_000_000)

    @property
    def next_id(self) -> str:
        """Return the id of the next message of a victim who sets message ids."""
        return f"{VICTIM}.s.{self._sent}"

    def of(self, route: str, driver: str) -> str:
        """Return the subject of a route with a driver's name."""
        fields = {"driver": driver, "session": "s", "consumer": "persister"}
        return self.topology.subject(route, **fields)

    async def begin(self) -> None:
        """Clear the record of received messages."""
        self._before = await state(self._witness, self.topology, VICTIM)
        self.seen.clear()

    async def stir(self) -> None:
        """Publish messages of the hub that an attacker might want to receive."""
        await self._victim.publish(self.of("link.hello", VICTIM), SCENE)
        for route in ("telemetry.live", "telemetry.backfill", "link.ask", "keys.renew"):
            await self._victim.publish(self.of(route, VICTIM), SCENE, reply="_INBOX.bea.x")
        for route in ("link.receipt", "timing.lap", "dead.letter", "keys.revoke"):
            await self._witness.publish(self.of(route, VICTIM), SCENE)
        for subject in OVERHEARD:
            await self._witness.publish(subject, SCENE)
        await self._victim.flush()
        await self._witness.flush()

    async def harmed(self, allowed: set[str]) -> str:
        """Return an attack's effect outside the subjects that it may use, "" for none."""
        deadline = time.monotonic() + WATCH_S
        while True:
            await self._witness.flush()
            for subject, payload, headers in self.seen:
                if payload == SCENE or subject.startswith(("$JS.EVENT", "_INBOX.everything")):
                    continue
                if MARK in payload and subject not in allowed:
                    return f"{subject} was said"
                if subject not in allowed and not subject.startswith(("_R_", "$JS.API", "$JS.ACK")):
                    answer = "an answer" if payload else "a word without content"
                    return f"{answer} went to {subject}"
                if b"Request-Info" in headers and b"forged" in headers:
                    return "a forged identity was believed"
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.02)
        after = await state(self._witness, self.topology, VICTIM)
        if after != self._before:
            return "streams or durables changed"
        headers = {"Nats-Msg-Id": self.next_id} if self.control else None
        self._sent += 1
        try:
            ack = await self._victim.jetstream().publish(
                self.of("telemetry.live", VICTIM), SCENE, timeout=2, headers=headers
            )
        except Exception as error:
            return f"the victim is not heard: {error!r}"
        return "the victim is taken for a repetition" if ack.duplicate else ""

    async def received(self, subject: str) -> bytes:
        """Return the first message on a subject since the attempt began."""
        deadline = time.monotonic() + RECEIVED_S
        while time.monotonic() < deadline:
            for seen, payload, _ in self.seen:
                if seen == subject:
                    return payload
            await asyncio.sleep(0.01)
        raise TimeoutError(f"nothing came on {subject}")

    async def reread(self) -> str:
        """Return whether a delivered message is delivered again, "" if not."""
        (message,) = await self._read(1, no_wait=True)
        again = message.reply.startswith("$JS.ACK.") and message.metadata.num_delivered > 1
        return "what was read is read again" if again else ""

    async def _read(self, batch: int, **more: Any) -> list[Msg]:
        """Read as the persister does, without acknowledging."""
        inbox = self._witness.new_inbox()
        got = await self._witness.subscribe(inbox)
        question = msgspec.json.encode({"batch": batch, **more})
        await self._witness.publish(NEXT, question, reply=inbox)
        found = [await got.next_msg(timeout=2) for _ in range(batch)]
        await got.unsubscribe()
        return found

    async def _send_unanswered(self) -> None:
        """Let a driver send requests that nobody answers, and stay connected."""
        self._requester = await Wire.open(self.server, self.server.driver(ASKER))
        for number in range(REQUESTS):
            subject, reply = f"hello.{ASKER}", f"_INBOX.{ASKER}.{number}"
            self._requester.publish(subject, SCENE, reply=reply)
        await self._requester.answers_ping()
        self.requested_s = time.monotonic()

    async def _allow_all(self) -> None:
        stream = self.topology.stream_of["telemetry.live"]
        answer = await request(self._witness, f"$JS.API.STREAM.INFO.{stream}")
        changed = answer["config"] | ALL_ALLOWED
        answer = await request(self._witness, f"$JS.API.STREAM.UPDATE.{stream}", changed)
        assert "error" not in answer, answer

    async def _see(self, message: Msg) -> None:
        headers = msgspec.json.encode(message.headers or {})
        self.seen.append((message.subject, message.data, headers))


@asynccontextmanager
async def scene(*servers: NatsServer) -> AsyncIterator[Scene]:
    """Run a scene, for a driver or for a client of an ordinary hub."""
    made = Scene(*servers)
    await made.start()
    try:
        yield made
    finally:
        await made.end()


async def _answer_carelessly(message: Msg) -> None:
    if message.reply and not message.reply.startswith("_INBOX.bea"):
        await message.respond(b"")


Act = Callable[[Scene], Awaitable[str]]


class Attempt(Struct, frozen=True):
    """An attempt's name, and the function that makes it and returns its effect, "" for none."""

    group: str
    name: str
    act: Act


def own(*more: str) -> set[str]:
    """Return the subjects on which the attacker may publish."""
    return {OWN, ASK, RENEW, INBOX, f"hello.{ATTACKER}", *more}


async def during(scene: Scene, act: Callable[[Wire], None], allowed: set[str] | None = None) -> str:
    """Act as the attacker, and return the effect."""
    wire = await Wire.open(scene.server, scene.file)
    try:
        act(wire)
        await wire.answers_ping()
        return await scene.harmed(own() | (allowed or set()))
    finally:
        await wire.close()
