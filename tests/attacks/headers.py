"""Attempts to make nats-server or a stream do more with a message than store it."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec

from tests.attacks.scene import ATTACKER, INBOX, MARK, OWN, RENEW, Attempt, Scene, during, own
from tests.attacks.wire import Wire
from tests.tools.hub import eventually

ORDERS: Final = {
    "roll up all": "Nats-Rollup: all",
    "roll up a subject": "Nats-Rollup: sub",
    "expire": "Nats-TTL: 1s",
    "repeat as others": "Nats-Schedule: @every 1s\r\nNats-Schedule-Target: telemetry.bea.s.live",
    "batch": "Nats-Batch-Id: x\r\nNats-Batch-Sequence: 1\r\nNats-Batch-Commit: 1",
    "count": "Nats-Incr: +1",
    "come from elsewhere": "Nats-Stream-Source: TIMING",
}
HEADERS: Final = ("Nats-Marker-Reason: Purge", "Nats-Expected-Last-Sequence: 0")


def headers() -> Iterator[Attempt]:
    """Yield every attempt."""
    for order, header in ORDERS.items():
        yield Attempt("headers", order, partial(_obey, header=header))
    for header in HEADERS:
        yield Attempt("headers", header, partial(_head, header=header))
    yield Attempt("headers", "the victim's next Nats-Msg-Id", _repeat)
    for target in ("receipt.bea.s", "_INBOX.gateway.x", "keys.revoke"):
        act = partial(_head, header=f"Nats-Trace-Dest: {target}")
        yield Attempt("headers", f"trace to {target}", act)
    yield Attempt("headers", "forged request info", _pretend)


async def _head(scene: Scene, header: str) -> str:
    return await during(scene, lambda wire: wire.publish(OWN, MARK, INBOX, header))


async def _obey(scene: Scene, header: str) -> str:
    """Send a message with a header for the stream; return from its answer whether it obeyed."""
    wire = await Wire.open(scene.server, scene.file)
    try:
        wire.subscribe(f"_INBOX.{ATTACKER}.>")
        wire.publish(OWN, b"" if "Incr" in header else MARK, INBOX, header)
        await eventually(partial(_has_message, wire), "the stream answers")
        answer = msgspec.json.decode(wire.messages[0][1])
        return await scene.harmed(own()) or ("" if "error" in answer else "the stream obeyed")
    finally:
        await wire.close()


async def _has_message(wire: Wire) -> bool:
    return bool(wire.messages)


async def _repeat(scene: Scene) -> str:
    return await _head(scene, f"Nats-Msg-Id: {scene.next_id}")


async def _pretend(scene: Scene) -> str:
    header = f'Nats-Request-Info: {{"acc":"forged","mark":"{MARK.decode()}"}}'
    return await during(scene, lambda wire: wire.publish(RENEW, MARK, INBOX, header))
