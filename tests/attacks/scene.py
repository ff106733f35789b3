"""A hub with a victim who drives, a deputy who answers anybody, and a witness who sees it all."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import nats
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg

from pitbox import admin, topology
from pitbox.identity.credentials import Identity
from pitbox.identity.permissions import Permissions
from tests.servers import USERS, NatsServer

ATTACKER: Final = "mallory"
VICTIM: Final = "bea"
MARK: Final = b"attack"
SCENE: Final = b"scene"
INBOX: Final = f"_INBOX.{ATTACKER}.x"
OWN: Final = f"telemetry.{ATTACKER}.s.live"
ASK: Final = f"ask.{ATTACKER}.s"
RENEW: Final = f"renew.{ATTACKER}"
WATCH_S: Final = 0.12
STORED: Final = 5


class Scene:
    """Hold who takes part, and know what an attack changed."""

    def __init__(self, server: NatsServer, file: Path, *, control: bool) -> None:
        """Prepare; `file` holds the attacker's credentials, in a `control` those of a hub user."""
        self.server = server
        self.file = file
        self.control = control
        self.topology = topology.load()
        self.seen: list[tuple[str, bytes, bytes]] = []
        self._before: Any = None
        self._witness = Client()
        self._victim = Client()

    async def start(self) -> None:
        """Bring everybody up."""
        self._witness = await nats.connect(self.server.url, **self.server.options())
        who = Identity(self.server.driver(VICTIM)).options()
        self._victim = await nats.connect(self.server.url, **who)
        await self._witness.subscribe(">", cb=self._see)
        for route in ("link.ask", "keys.renew"):
            await self._witness.subscribe(self.topology.filter(route), cb=_answer_carelessly)
        await self.restore()

    async def end(self) -> None:
        """Let everybody leave."""
        await self._victim.close()
        await self._witness.close()

    async def restore(self) -> None:
        """Make streams and durables what they were, with messages that are read and not settled."""
        jetstream = self._witness.jetstream()
        for stream in self.topology.streams:
            await _ask(self._witness, f"$JS.API.STREAM.DELETE.{stream}")
        await _ask(self._witness, "$JS.API.STREAM.DELETE.EVIL")
        await admin.apply(jetstream, self.topology)
        for _ in range(STORED):
            await self._victim.jetstream().publish(self.of("telemetry.live", VICTIM), SCENE)
        inbox = self._witness.new_inbox()
        got = await self._witness.subscribe(inbox)
        stream = self.topology.stream_of["telemetry.live"]
        await self._witness.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.persister",
            msgspec.json.encode({"batch": STORED, "expires": 2_000_000_000}),
            reply=inbox,
        )
        for _ in range(STORED):
            await got.next_msg(timeout=2)
        await got.unsubscribe()

    def of(self, route: str, driver: str) -> str:
        """Return the subject of a route that bears a driver's name."""
        fields = {"driver": driver, "session": "s", "consumer": "persister"}
        return self.topology.subject(route, **fields)

    async def begin(self) -> None:
        """Forget what was seen so far."""
        self._before = await self._state()
        self.seen.clear()

    async def stir(self) -> None:
        """Let the hub say what somebody might want to hear."""
        await self._victim.publish(self.of("link.hello", VICTIM), SCENE)
        for route in ("telemetry.live", "telemetry.backfill", "link.ask", "keys.renew"):
            await self._victim.publish(self.of(route, VICTIM), SCENE, reply="_INBOX.bea.x")
        for route in ("link.receipt", "timing.lap", "dead.letter", "keys.revoke"):
            await self._witness.publish(self.of(route, VICTIM), SCENE)
        for subject in ("_INBOX.gateway.x", "$JS.ACK.x", "_INBOX.persister.x"):
            await self._witness.publish(subject, SCENE)
        await self._victim.flush()
        await self._witness.flush()

    async def harmed(self, allowed: set[str]) -> str:
        """Return what an attack brought about outside the subjects that it may use, or nothing."""
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
        after = await self._state()
        if after != self._before:
            return "streams or durables changed"
        try:
            await self._victim.jetstream().publish(
                self.of("telemetry.live", VICTIM), SCENE, timeout=2
            )
        except Exception as error:
            return f"the victim is not heard: {error!r}"
        return ""

    async def _see(self, message: Msg) -> None:
        headers = msgspec.json.encode(message.headers or {})
        self.seen.append((message.subject, message.data, headers))

    async def _state(self) -> Any:
        """Return what streams hold of others, how they are set, and where their durables are."""
        found: dict[str, Any] = {"names": await _ask(self._witness, "$JS.API.STREAM.NAMES")}
        found["names"] = sorted(found["names"].get("streams") or [])
        for stream in self.topology.streams:
            told = await _ask(
                self._witness, f"$JS.API.STREAM.INFO.{stream}", {"subjects_filter": ">"}
            )
            state = told.get("state", {})
            subjects = state.get("subjects") or {}
            lists = await _ask(self._witness, f"$JS.API.CONSUMER.LIST.{stream}")
            found[stream] = (
                told.get("config"),
                {name for name in subjects if f".{VICTIM}." in name},
                state.get("first_seq"),
                {
                    one["name"]: (one["ack_floor"], one["delivered"], one.get("paused"))
                    for one in lists.get("consumers") or ()
                },
            )
        return found


@asynccontextmanager
async def scene(server: NatsServer, *, control: bool) -> AsyncIterator[Scene]:
    """Set the scene, for a driver or for somebody whom the hub's own account let in."""
    if control:
        server.authority().write_user(ATTACKER, Permissions((">",), (">",)))
        file = server.keys / USERS / f"{ATTACKER}.creds"
    else:
        file = server.driver(ATTACKER)
    made = Scene(server, file, control=control)
    await made.start()
    try:
        yield made
    finally:
        await made.end()


async def _answer_carelessly(message: Msg) -> None:
    if message.reply and not message.reply.startswith("_INBOX.bea"):
        await message.respond(b"")


async def _ask(client: Client, subject: str, question: Any = None) -> Any:
    payload = b"" if question is None else msgspec.json.encode(question)
    return msgspec.json.decode((await client.request(subject, payload, timeout=2)).data)


Act = Callable[[Scene], Awaitable[str]]


class Attempt(Struct, frozen=True):
    """Name an attempt, and how it is made; it returns its effect, or nothing."""

    group: str
    name: str
    act: Act


def own(*more: str) -> set[str]:
    """Return on which subjects the attacker may be heard."""
    return {OWN, ASK, RENEW, INBOX, f"hello.{ATTACKER}", *more}
