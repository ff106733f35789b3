"""Attempts to use another identity, or a revoked one."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import httpx
import psutil

from pitbox.identity import claims, jwt
from pitbox.identity.authority import DRIVER_SIGNER, HUB, HUB_SIGNER
from pitbox.identity.credentials import Credentials, account_of, read
from pitbox.identity.folder import KeyFolder
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.permissions import Permissions
from pitbox.nats.resolver import Resolver
from pitbox.settings import Nats
from tests.attacks.scene import ATTACKER, MARK, VICTIM, Attempt, Scene, own
from tests.attacks.wire import Wire
from tests.tools.monitoring import monitored
from tests.tools.servers import USERS, NatsServer

EVERYTHING: Final = Permissions((">",), (">",))
CLAIMED: Final = (
    *("no JWT", "somebody else's JWT", "altered JWT", "no algorithm", "own account and key"),
    *("driver's key signs for the hub", "driver's key signs wider rights", "bearer", "expired"),
    "revoked account",
)
PROBES: Final = {
    **dict.fromkeys(("leaf", "cluster", "gateway"), b""),
    "mqtt": b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04evil",
    "websocket": b"GET / HTTP/1.1\r\n\r\n",
}
"""What makes each kind of listener speak."""

ELSEWHERE: Final = "127.0.0.2"
"""Another address of this machine, where only what listens everywhere is reached."""

PROBE_S: Final = 2.0
CUT_S: Final = 2.0


def identities() -> Iterator[Attempt]:
    """Yield every attempt."""
    for how in CLAIMED:
        yield Attempt("identity", how, partial(_claim, how=how))
    yield Attempt("identity", "leaf node", _be_a_leaf)
    for listener in PROBES:
        yield Attempt("ports", listener, partial(_probe, listener=listener))
    yield Attempt("ports", "monitoring from elsewhere", partial(_monitor, host=ELSEWHERE))
    yield Attempt("ports", "monitoring under a foreign name", partial(_monitor, host="127.0.0.1"))
    for how in ("one's PC", "one's account"):
        yield Attempt("identity", f"back after {how} was shut out", partial(_come_back, how=how))


async def _claim(scene: Scene, how: str) -> str:
    """Connect with a forged identity; the control signs with the right keys."""
    token, pair = _claimed(scene, how)
    wire = await Wire.claim(scene.server, token, pair)
    try:
        if not await wire.answers_ping():
            return ""
        if how == "driver's key signs wider rights":
            wire.publish("telemetry.bea.s.live", MARK)
            await wire.answers_ping()
            return await scene.harmed(own())
        return "let in"
    finally:
        await wire.close()


async def _be_a_leaf(scene: Scene) -> str:
    """Connect as a leaf node, which receives all messages of its account."""
    who = read(scene.file)
    evil = {"server_id": "evil", "name": "evil", "cluster": "evil"}
    port = (await _ports([scene.server])).get("leaf", 0)
    wire = await Wire.claim(scene.server, who.jwt, who.pair, port=port, **evil)
    try:
        wire.send(b"LS+ >\r\n")
        await wire.answers_ping()
        await scene.stir()
        await wire.answers_ping()
        return "hears the hub" if wire.messages else ""
    finally:
        await wire.close()


def _claimed(scene: Scene, how: str) -> tuple[str, KeyPair | None]:
    keys, own = KeyFolder(scene.server.keys), read(scene.file)
    pair, hub = KeyPair.new(Kind.USER), keys.pair(HUB, Kind.ACCOUNT).public
    name = HUB_SIGNER if scene.control else DRIVER_SIGNER
    signer = keys.pair(name, Kind.ACCOUNT)
    wide = claims.user(pair.public, ATTACKER, hub, EVERYTHING)
    now_s = int(time.time())
    match how:
        case "no JWT":
            return own.jwt if scene.control else "", own.pair if scene.control else None
        case "somebody else's JWT":
            return read(scene.server.driver(VICTIM)).jwt, _right(scene, own.pair)
        case "altered JWT" | "no algorithm" if scene.control:
            return own.jwt, own.pair
        case "altered JWT":
            head, body, signature = own.jwt.split(".")
            other = jwt.signed(wide, signer, at_s=now_s).split(".")[1]
            return f"{head}.{other}.{signature}", pair
        case "no algorithm":
            head = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0"
            body = jwt.signed(wide, signer, at_s=now_s).split(".")[1]
            return f"{head}.{body}.", pair
        case "own account and key":
            account = signer if scene.control else KeyPair.new(Kind.ACCOUNT)
            return jwt.signed(wide, account, at_s=now_s), pair
        case "driver's key signs for the hub":
            return jwt.signed(wide, signer, at_s=now_s), pair
        case "driver's key signs wider rights":
            account = hub if scene.control else account_of(own.jwt)
            about = claims.user(pair.public, ATTACKER, account, EVERYTHING)
            return jwt.signed(about, signer, at_s=now_s), pair
        case "bearer":
            account = hub if scene.control else account_of(own.jwt)
            about = claims.driver_user(pair.public, ATTACKER, account, expires_s=now_s + 60)
            about["nats"]["bearer_token"] = True
            return jwt.signed(about, signer, at_s=now_s), None
        case "expired":
            account = hub if scene.control else account_of(own.jwt)
            late_s = now_s + 60 if scene.control else now_s - 60
            about = claims.driver_user(pair.public, ATTACKER, account, expires_s=late_s)
            return jwt.signed(about, signer, at_s=now_s), pair
        case _:
            account = hub if scene.control else KeyPair.new(Kind.ACCOUNT).public
            about = claims.driver_user(pair.public, ATTACKER, account, expires_s=now_s + 60)
            return jwt.signed(about, signer, at_s=now_s), pair


def _right(scene: Scene, wrong: KeyPair) -> KeyPair:
    return read(scene.server.driver(VICTIM)).pair if scene.control else wrong


async def _probe(scene: Scene, listener: str) -> str:
    """Connect to a listener that is not for clients, and return whether it answers."""
    port = (await _ports(scene.servers)).get(listener)
    if port is None:
        return ""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(PROBES[listener])
        answer = await asyncio.wait_for(reader.read(4096), PROBE_S)
        return f"says {answer[:12]!r}" if answer else ""
    finally:
        writer.close()


async def _monitor(scene: Scene, host: str) -> str:
    """Request the list of connections, as a page under a name that resolves to this machine."""
    for port in _listening(scene.server.pid):
        async with httpx.AsyncClient(timeout=PROBE_S) as client:
            with contextlib.suppress(httpx.HTTPError, ValueError):  # another listener
                asked = f"http://{host}:{port}/connz"
                answer = (await client.get(asked, headers={"host": "evil.example"})).json()
                return f"tells of {answer['num_connections']} connections"
    return ""


def _listening(process: int) -> list[int]:
    """Return every port on which a process listens."""
    found = psutil.Process(process).net_connections("tcp")
    return [one.laddr.port for one in found if one.status == psutil.CONN_LISTEN]


async def _ports(servers: Sequence[NatsServer]) -> dict[str, int]:
    """Return the port of each kind of open listener."""
    found = {}
    for server in servers:
        varz = await monitored(server, "VARZ")
        for listener in PROBES:
            about = varz.get(listener, {})
            if port := about.get("port") or about.get("cluster_port"):
                found[listener] = port
    return found


async def _come_back(scene: Scene, how: str) -> str:
    """Copy credentials to a second PC, and try to stay or reconnect there after their revocation.

    The control is not revoked.
    """
    file = scene.file if scene.control else scene.server.driver(f"rob{how.count('P')}")
    first, clone = [await Wire.open(scene.server, file) for _ in range(2)]
    try:
        if not await first.answers_ping() or not await clone.answers_ping():
            return "the credentials were never good"
        if not scene.control:
            await _revoke(scene, read(file), whole=how == "one's account")
        deadline = time.monotonic() + CUT_S
        while await clone.answers_ping() or await first.answers_ping():
            if time.monotonic() > deadline:
                return "stays"
        again = await Wire.open(scene.server, file)
        try:
            return "is let in again" if await again.answers_ping() else ""
        finally:
            await again.close()
    finally:
        await first.close()
        await clone.close()


async def _revoke(scene: Scene, who: Credentials, *, whole: bool) -> None:
    account, authority, resolver = account_of(who.jwt), scene.server.authority(), Resolver()
    users = str(scene.server.keys / USERS)
    await resolver.open(Nats(url=scene.server.url, credentials=users))
    try:
        if whole:
            await resolver.delete(authority.deletion(account), account)
        else:
            shut = {who.pair.public: int(time.time())}
            await resolver.push(authority.account_again(who.name, account, shut))
    finally:
        await resolver.close()
