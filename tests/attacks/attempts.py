"""The attempts of a malicious driver; each returns whether it had an effect."""

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from pitbox.identity.authority import HUB
from pitbox.identity.folder import KeyFolder
from pitbox.identity.nkeys import Kind
from tests.attacks.chunks import chunks
from tests.attacks.headers import headers
from tests.attacks.identities import identities
from tests.attacks.names import names
from tests.attacks.scene import (
    ASK,
    ATTACKER,
    INBOX,
    MARK,
    OWN,
    RENEW,
    REQUESTS,
    Attempt,
    Scene,
    during,
    own,
)
from tests.attacks.state import unanswered
from tests.attacks.visitors import visitors
from tests.attacks.wire import Wire

PUBLISHED: Final = (
    *("telemetry.bea.s.live", "telemetry.bea.s.backfill", "ask.bea.s", "hello.bea", "renew.bea"),
    *("receipt.bea.s", f"receipt.{ATTACKER}.s", f"timing.{ATTACKER}.s.lap", "timing.bea.s.lap"),
    *(f"timing.{ATTACKER}.s.session", "dead.persister", "keys.enrol", "keys.revoke"),
    *("_INBOX.gateway.x", "_INBOX.persister.x", "_INBOX.bea.x", "_R_.abcdef.abcdef"),
    *(f"telemetry.{ATTACKER}.s.other", f"telemetry.{ATTACKER}", f"hello.{ATTACKER}.x"),
    *("$KV.x.y", "$O.x.C.y", "Telemetry.bea.s.live", f"telemetry.{ATTACKER}.bea.s.live"),
)
SUBSCRIBED: Final = (
    *(">", "*", "*.*", "*.*.*", "*.*.*.*", "telemetry.>", "telemetry.bea.>", "telemetry.*.*.live"),
    *("receipt.>", "receipt.bea.*", "hello.*", "hello.bea", "timing.>", "dead.>", "ask.>"),
    *("ask.bea.*", "renew.>", "keys.>", "_INBOX.>", "_INBOX.bea.>", "_INBOX.gateway.>", "_R_.>"),
    *("$JS.>", "$JS.ACK.>", "$JS.API.>"),
)
JETSTREAM: Final[dict[str, Any]] = {
    "INFO": None,
    "STREAM.NAMES": None,
    "STREAM.LIST": None,
    "STREAM.INFO.TELEMETRY": None,
    "STREAM.CREATE.EVIL": {"name": "EVIL", "subjects": ["evil.>"], "retention": "limits"},
    "STREAM.UPDATE.TIMING": {"name": "TIMING", "subjects": ["timing.>"], "max_msgs": 1},
    "STREAM.PURGE.TELEMETRY": None,
    "STREAM.DELETE.TIMING": None,
    "STREAM.MSG.GET.TELEMETRY": {"seq": 1},
    "STREAM.MSG.DELETE.TELEMETRY": {"seq": 1},
    "STREAM.SNAPSHOT.TELEMETRY": {"deliver_subject": INBOX},
    "STREAM.PEER.REMOVE.TELEMETRY": {"peer": "x"},
    "DIRECT.GET.TELEMETRY": {"seq": 1},
    "DIRECT.GET.TELEMETRY.telemetry.bea.s.live": None,
    "CONSUMER.CREATE.TELEMETRY": {
        "stream_name": "TELEMETRY",
        "config": {"deliver_subject": INBOX, "ack_policy": "none"},
    },
    "CONSUMER.DURABLE.CREATE.TELEMETRY.evil": {
        "stream_name": "TELEMETRY",
        "config": {"durable_name": "evil", "ack_policy": "explicit"},
    },
    "CONSUMER.NAMES.TELEMETRY": None,
    "CONSUMER.LIST.TELEMETRY": None,
    "CONSUMER.INFO.TELEMETRY.persister": None,
    "CONSUMER.DELETE.DEAD.persister": None,
    "CONSUMER.PAUSE.TELEMETRY.persister": {"pause_until": "2999-01-01T00:00:00Z"},
    "CONSUMER.MSG.NEXT.TELEMETRY.persister": {"batch": 5, "no_wait": True},
}
SYSTEM: Final = (
    *("SERVER.PING", "SERVER.PING.CONNZ", "SERVER.PING.STATSZ", "SERVER.PING.JSZ"),
    *("ACCOUNT.PING.CONNZ", "ACCOUNT.PING.STATZ", "CLAIMS.LIST", "CLAIMS.PACK"),
)
REPLIES: Final = (
    *("telemetry.bea.s.live", "receipt.bea.s", "hello.bea", "renew.bea", "keys.revoke"),
    *("keys.enrol", "timing.bea.s.lap", "dead.persister", "_INBOX.bea.x", "_INBOX.gateway.x"),
    *("evil.x", "$JS.API.STREAM.PURGE.TELEMETRY", "$JS.ACK.TELEMETRY.persister.1.5.5.1.0"),
    "_R_.abcdef.abcdef",
)
ORDERS: Final = (
    *("$JS.API.STREAM.PURGE.TELEMETRY", "$JS.API.STREAM.DELETE.TIMING", "telemetry.bea.s.live"),
    *("$JS.API.CONSUMER.DELETE.DEAD.persister", "receipt.bea.s", "keys.revoke"),
)
FORGOTTEN_S: Final = 22.0
"""nats-server drops an unanswered request by then: the limit is ten seconds, and ten more may pass
until the server's next check."""

REFUSED: Final = "nats-server itself refuses such a reply, from anybody"
OWN_ONLY: Final = "touches nothing but the message that bears it"
WITHOUT_CONTROL: Final = {
    "$JS.ACK.TELEMETRY.persister.1.5.5.1.0": REFUSED,
    "_R_.abcdef.abcdef": REFUSED,
    "$JS.API.STREAM.PURGE.TELEMETRY": "nats-server takes no orders from its own answers",
    "come from elsewhere": "nats-server itself refuses such a header, from anybody",
    "count": "a stream that counts takes nothing else",
    "Nats-Marker-Reason: Purge": OWN_ONLY,
    "Nats-Expected-Last-Sequence: 0": OWN_ONLY,
}
"""Attempts that have an effect in no hub, and why."""


def attempts() -> Iterator[Attempt]:
    """Yield every attempt."""
    for subject in PUBLISHED:
        yield Attempt("speak as others", subject, partial(_publish, subject=subject))
    for subject in SUBSCRIBED:
        yield Attempt("listen to others", subject, partial(_subscribe, subject=subject))
    for subject in ("telemetry.*.*.live", "receipt.>", "ask.*.*"):
        act = partial(_subscribe, subject=subject, queue="persister")
        yield Attempt("listen to others", f"{subject} in a queue", act)
    for what, question in JETSTREAM.items():
        subject = f"$JS.API.{what}"
        yield Attempt("JetStream", what, partial(_request, subject=subject, question=question))
    for verb in ("+ACK", "+TERM", "-NAK"):
        yield Attempt("JetStream", f"forged {verb}", partial(_acknowledge, verb=verb.encode()))
    for what in SYSTEM:
        yield Attempt("system", what, partial(_request_of_system, subject=f"$SYS.REQ.{what}"))
    for what in ("CONNZ", "SUBSZ", "JSZ", "INFO", "CLAIMS.LOOKUP"):
        yield Attempt("system", f"hub's {what}", partial(_request_about_hub, what=what))
    for reply in REPLIES:
        yield Attempt("reflected answer", reply, partial(_reflect, via=OWN, reply=reply))
    for via in (ASK, RENEW):
        for reply in ORDERS:
            act = partial(_reflect, via=via, reply=reply)
            yield Attempt("deputy", f"{via} -> {reply}", act)
    yield from headers()
    for size in (520_000, 900_000, 5_000_000):
        yield Attempt("volume", f"{size} bytes", partial(_oversize, size=size))
    yield Attempt("volume", "200 subscriptions", _subscribe_much)
    yield Attempt("volume", "12 connections", _connect_much)
    yield from identities()
    yield from names()
    yield from visitors()
    yield from chunks()
    yield Attempt("volume", f"{REQUESTS} questions without an answer", _remember)


async def _publish(scene: Scene, subject: str) -> str:
    return await during(scene, lambda wire: wire.publish(subject, MARK))


async def _subscribe(scene: Scene, subject: str, queue: str = "") -> str:
    wire = await Wire.open(scene.server, scene.file)
    try:
        wire.subscribe(subject, queue=queue)
        await wire.answers_ping()
        await scene.stir()
        await asyncio.sleep(0.05)
        await wire.answers_ping()
        return f"heard {wire.messages[0][0]}" if wire.messages else ""
    finally:
        await wire.close()


async def _request(scene: Scene, subject: str, question: Any) -> str:
    payload = b"" if question is None else msgspec.json.encode(question)
    return await _response(scene, scene.file, subject, payload)


async def _request_of_system(scene: Scene, subject: str) -> str:
    payload = bytes(32) if subject.endswith("PACK") else b""
    return await _response(scene, scene.system, subject, payload)


async def _request_about_hub(scene: Scene, what: str) -> str:
    hub = KeyFolder(scene.server.keys).pair(HUB, Kind.ACCOUNT).public
    return await _request_of_system(scene, f"$SYS.REQ.ACCOUNT.{hub}.{what}")


async def _response(scene: Scene, file: Path, subject: str, payload: bytes) -> str:
    wire = await Wire.open(scene.server, file)
    try:
        wire.subscribe(f"_INBOX.{ATTACKER}.>")
        wire.publish(subject, payload, reply=INBOX)
        await wire.answers_ping()
        harm = await scene.harmed(own(subject))
        answers = [payload for _, payload in wire.messages if not _is_refusal(payload)]
        return harm or (f"answered {answers[0][:60]!r}" if answers else "")
    finally:
        await wire.close()


async def _acknowledge(scene: Scene, verb: bytes) -> str:
    subject = f"$JS.ACK.TELEMETRY.persister.1.5.5.{time.time_ns()}.0"
    harm = await during(scene, lambda wire: wire.publish(subject, verb), allowed={subject})
    return harm or await scene.reread()


async def _reflect(scene: Scene, via: str, reply: str) -> str:
    return await during(scene, lambda wire: wire.publish(via, MARK, reply=reply))


async def _oversize(scene: Scene, size: int) -> str:
    def act(wire: Wire) -> None:
        wire.publish(OWN, MARK + bytes(size))

    wire = await Wire.open(scene.server, scene.file)
    try:
        act(wire)
        await wire.answers_ping()
        harm = await scene.harmed({ASK})
        passed = any(len(payload) > size for _, payload, _ in scene.seen)
        return harm or ("it went through" if passed else "")
    finally:
        await wire.close()


async def _subscribe_much(scene: Scene) -> str:
    wire = await Wire.open(scene.server, scene.file)
    try:
        for number in range(200):
            wire.subscribe(f"_INBOX.{ATTACKER}.{number}", number + 1)
        return "all are held" if await wire.answers_ping() and not wire.errors else ""
    finally:
        await wire.close()


async def _connect_much(scene: Scene) -> str:
    wires = [await Wire.open(scene.server, scene.file) for _ in range(12)]
    try:
        answered = [await wire.answers_ping() for wire in wires]
        return "all are let in" if all(answered) else ""
    finally:
        for wire in wires:
            await wire.close()


async def _remember(scene: Scene) -> str:
    """Return whether nats-server still holds the requests made at the start."""
    while held := await unanswered(scene.server):
        if time.monotonic() > scene.requested_s + FORGOTTEN_S:
            break
        await asyncio.sleep(0.2)
    return f"{held} are held" if held else ""


def _is_refusal(payload: bytes) -> bool:
    """Return whether an answer only reports that there is no responder or no such object."""
    return b"NATS/1.0 503" in payload or b"NATS/1.0 404" in payload or b"not enabled" in payload
