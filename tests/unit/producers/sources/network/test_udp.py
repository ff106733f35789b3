import asyncio
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager, closing
from typing import Any

import pytest

from producers.source import Began, Frame, Observation, SourceError
from producers.sources.assetto.packet import DISMISS, HANDSHAKE, SUBSCRIBE_SPOT, SUBSCRIBE_UPDATE
from producers.sources.gt7.packet import encrypt
from producers.sources.inbox import Arrival, Inbox
from producers.sources.network import callers, udp
from producers.sources.network.port import Port, bind
from producers.sources.network.recognition import Recogniser
from schemas.channels import CHANNEL_BY_NAME
from tests.tools.f1_game import Game

LETTERS = {b"A": 296, b"B": 316, b"~": 344, b"C": 368}


def gt7_packet(number: int, length: int = 296, speed: float = 50.0) -> bytes:
    plain = bytearray(length)
    plain[:4] = b"0S7G"
    struct.pack_into("<4f", plain, 0x1C, 0, 0, 0, 1)
    struct.pack_into("<f", plain, 0x4C, speed)
    struct.pack_into("<ihhii", plain, 0x70, number, 1, 0, -1, -1)
    struct.pack_into("<H", plain, 0x8E, 1)
    return encrypt(bytes(plain), seed=number)


def assetto_info(lap_ms: int) -> bytes:
    plain = bytearray(struct.pack("<c3xi", b"a", 328).ljust(328, b"\0"))
    struct.pack_into("<i", plain, 40, lap_ms)
    return bytes(plain)


def assetto_reply() -> bytes:
    texts = [text.encode("utf-16-le").ljust(100, b"\0") for text in ("car", "me", "imola", "")]
    return texts[0] + texts[1] + struct.pack("<ii", 4242, 1) + texts[2] + texts[3]


def where(**changes: object) -> udp.Where:
    """Return free ports for every game."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)))
            for _ in range(4)
        ]
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        ports = [bound.getsockname()[1] for bound in sockets]
    names = ("f1_port", "gt7_port", "console_port", "assetto_port")
    return udp.Where(**dict(zip(names, ports, strict=True)) | changes)  # type: ignore[arg-type]


class Peer(asyncio.DatagramProtocol):
    """Play a game: answer each datagram with `reply`, and record the datagrams received."""

    def __init__(self, reply: Callable[[bytes], list[bytes]]) -> None:
        self.reply = reply
        self.received: list[bytes] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received.append(data)
        for datagram in self.reply(data):
            self.transport.sendto(datagram, addr)


@asynccontextmanager
async def peer(
    port: int, reply: Callable[[bytes], list[bytes]], host: str = "127.0.0.1"
) -> AsyncIterator[Peer]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Peer(reply), local_addr=(host, port)
    )
    try:
        yield protocol
    finally:
        transport.close()


async def take(source: str, place: udp.Where, count: int) -> list[Observation]:
    """Return the first observations of a source."""
    items: list[Observation] = []
    async with asyncio.timeout(60), aclosing(udp.observations(source, place)) as observations:
        async for observation in observations:
            items.append(observation)
            if len(items) == count:
                break
    return items


async def take_while_sending(
    source: str, place: udp.Where, count: int, port: int, datagrams: list[bytes]
) -> list[Observation]:
    """Send datagrams over and over while the source is read."""

    async def send() -> None:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
            while True:
                for datagram in datagrams:
                    sender.sendto(datagram, ("127.0.0.1", port))
                await asyncio.sleep(0.01)

    sending = asyncio.create_task(send())
    try:
        return await take(source, place, count)
    finally:
        sending.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - a game has no event to wait for
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("source", ["gt7", "auto"])
async def test_a_heartbeat_makes_a_console_send_and_its_packets_are_received(source: str) -> None:
    def console(letter: bytes) -> list[bytes]:
        return [gt7_packet(number, LETTERS[letter]) for number in range(1, 11)]

    place = where(console="127.0.0.1")
    before_ns = time.time_ns()
    async with peer(place.console_port, console) as game:
        began, *frames = await take(source, place, 11)
    assert game.received == [b"C"]
    assert isinstance(began, Began)
    assert began.opened.source_version == "packet C"
    times = [frame.captured_ns for frame in frames if isinstance(frame, Frame)]
    assert len(times) == 10
    assert before_ns <= times[0] <= times[-1] <= time.time_ns()


async def test_packets_of_another_sender_than_the_named_console_are_ignored() -> None:
    place = where(console="127.0.0.1")
    async with peer(0, lambda _: [], host="127.0.0.2") as stranger:

        def console(_: bytes) -> list[bytes]:
            for number in range(100, 200):
                datagram = gt7_packet(number, 368, speed=99.0)
                stranger.transport.sendto(datagram, ("127.0.0.1", place.gt7_port))
            return [gt7_packet(1, 368), gt7_packet(2, 368)]

        async with peer(place.console_port, console):
            items = await take("gt7", place, 3)
    [began, *frames] = items
    assert isinstance(began, Began)
    speed = began.channels.index(CHANNEL_BY_NAME["speed"].id)
    assert [frame.values[speed] for frame in frames if isinstance(frame, Frame)] == [50, 50]


async def test_a_console_of_an_older_game_gets_the_next_letter() -> None:
    sent: list[bytes] = []
    heartbeat = callers.Heartbeat(("127.0.0.1", 1), "C~A", every_s=0.001)

    def send(data: bytes, _: object) -> None:
        sent.append(data)
        heartbeat.on_datagram(gt7_packet(1) if data == b"A" else b"too short")

    beating = asyncio.create_task(heartbeat.run(send))
    await until(lambda: len(sent) >= 30)
    beating.cancel()
    assert sent[:7] == [b"C"] * 3 + [b"~"] * 3 + [b"A"]
    assert set(sent[7:]) == {b"A"}


async def test_a_console_that_does_not_answer_keeps_getting_the_first_letter() -> None:
    sent: list[bytes] = []
    heartbeat = callers.Heartbeat(("127.0.0.1", 1), "C~A", every_s=0.001)
    beating = asyncio.create_task(heartbeat.run(lambda data, _: sent.append(data)))
    await until(lambda: len(sent) >= 30)
    beating.cancel()
    assert set(sent) == {b"C"}


@pytest.mark.parametrize("source", ["f1", "auto"])
@pytest.mark.parametrize("instants", [20, pytest.param(600, marks=pytest.mark.thorough)])
async def test_f1_is_received_on_its_port(source: str, instants: int) -> None:
    place = where()
    sent = Game(2026).drive(instants)
    items = await take_while_sending(source, place, 4, place.f1_port, sent)
    assert isinstance(items[0], Began)
    assert items[0].opened.source_version == "F1 26 1.09, format 2026"
    assert [type(item) for item in items[1:]] == [Frame] * 3


async def test_assetto_corsa_gets_a_handshake_a_subscription_and_a_dismissal() -> None:
    def game(request: bytes) -> list[bytes]:
        return {
            HANDSHAKE: [assetto_reply()],
            SUBSCRIBE_UPDATE: [assetto_info(n) for n in range(1, 6)],
        }.get(request, [])

    place = where(forwarded=False)
    async with peer(place.assetto_port, game) as played:
        items = await take("assetto", place, 6)
        await until(lambda: played.received.count(DISMISS) == 2)
    assert isinstance(items[0], Began)
    assert items[0].opened.track == "Imola"
    assert [type(item) for item in items[1:]] == [Frame] * 5
    assert SUBSCRIBE_SPOT in played.received


async def test_the_handshake_is_repeated_after_silence() -> None:
    sent: list[bytes] = []
    handshake = callers.Handshake(("127.0.0.1", 1), SUBSCRIBE_UPDATE, 0.001, silence_s=0.05)
    shaking = asyncio.create_task(handshake.run(lambda data, _: sent.append(data)))
    await until(lambda: len(sent) >= 1)
    handshake.on_datagram(assetto_reply())
    await until(lambda: HANDSHAKE in sent[sent.index(SUBSCRIBE_UPDATE) :])
    shaking.cancel()


async def test_datagrams_forwarded_to_the_game_s_port_are_received() -> None:
    place = where(forwarded=True)
    datagrams = [assetto_info(n) for n in range(1, 4)]
    items = await take_while_sending("assetto", place, 3, place.assetto_port, datagrams)
    assert [type(item) for item in items] == [Began, Frame, Frame]


async def test_auto_follows_the_game_that_sends() -> None:
    place = where(forwarded=True)
    datagrams = [gt7_packet(n) for n in range(1, 4)]
    items = await take_while_sending("auto", place, 3, place.gt7_port, datagrams)
    assert isinstance(items[0], Began)
    assert items[0].opened.source == "gt7"


async def test_the_error_for_a_port_in_use_names_it_and_the_next_step() -> None:
    place = where()
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("127.0.0.1", place.gt7_port))
        with pytest.raises(SourceError, match=f"port {place.gt7_port} is in use: close"):
            await take("gt7", place, 1)


async def test_auto_works_without_a_port_that_is_in_use() -> None:
    place = where(forwarded=True)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("127.0.0.1", place.gt7_port))
        datagrams = [assetto_info(n) for n in range(1, 4)]
        items = await take_while_sending("auto", place, 2, place.assetto_port, datagrams)
    assert len(items) == 2


async def test_ports_are_free_again_once_the_source_is_closed() -> None:
    place = where(forwarded=True)
    for _ in range(2):
        datagrams = [gt7_packet(n) for n in range(1, 4)]
        assert await take_while_sending("auto", place, 1, place.gt7_port, datagrams)


async def test_the_error_for_an_unknown_source_lists_the_known_ones() -> None:
    with pytest.raises(SourceError, match="gt7"):
        await take("pong", where(), 1)


async def test_the_error_for_an_unresolvable_console_names_it() -> None:
    with pytest.raises(SourceError, match=r"no-such-console\.invalid"):
        await take("gt7", where(console="no-such-console.invalid"), 1)


async def test_a_game_that_refused_the_handshake_is_received_once_it_runs() -> None:
    place = where(forwarded=False)
    inbox = Inbox()
    port = Port(bind("127.0.0.1", 0), inbox)
    for _ in range(3):
        port.send(HANDSHAKE, ("127.0.0.1", place.assetto_port))

    def game(_: bytes) -> list[bytes]:
        return [assetto_reply()]

    async with asyncio.timeout(60), peer(place.assetto_port, game):
        port.send(HANDSHAKE, ("127.0.0.1", place.assetto_port))
        arrived = await inbox.take()
    await port.close()
    assert isinstance(arrived, Arrival)
    assert arrived.payload == assetto_reply()


async def test_a_full_inbox_drops_the_oldest_and_counts_it() -> None:
    inbox = Inbox(capacity=3)
    for number in range(5):
        inbox.put(Arrival(number, b""))
    assert inbox.dropped == 2
    assert [(await inbox.take()).captured_ns for _ in range(3)] == [2, 3, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts dropped datagrams")
async def test_datagrams_that_the_kernel_dropped_are_counted() -> None:
    bound = bind("127.0.0.1", 0, receive_bytes=4096)
    address = bound.getsockname()
    sent = 400
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as game:
        for _ in range(sent):
            game.sendto(bytes(1000), address)
        inbox = Inbox[Arrival]()
        port = Port(bound, inbox)
        async with asyncio.timeout(60):
            first = await inbox.take()
            received = 1
            # The number of dropped ones comes with the next datagram that finds room.
            while not inbox.dropped_by_kernel:
                game.sendto(bytes(1000), address)
                sent += 1
                await inbox.take()
                received += 1
            while received + inbox.dropped_by_kernel < sent:
                await inbox.take()
                received += 1
        await port.close()
    assert first.sender == "127.0.0.1"
    assert inbox.dropped_by_kernel > 100
    assert received + inbox.dropped_by_kernel == sent


def test_losses_are_stated_at_most_once_a_second() -> None:
    async def stated() -> list[list[tuple[str, int]]]:
        recogniser, inbox = Recogniser(), Inbox[Arrival](capacity=2)
        losses = udp.Losses(recogniser, inbox)
        list(recogniser.feed(b"?", 0))
        for _ in range(5):
            inbox.put(Arrival(0, b""))
        inbox.lose(7)
        at_ns = 1_700_000_000_000_000_000
        return [
            [(one.reason, one.count) for one in losses.since(at_ns + late_ns)]
            for late_ns in (0, 1, 999_999_999, 1_000_000_000)
        ]

    first, *others = asyncio.run(stated())
    assert first == [("unknown", 1), ("inbox_full", 3), ("kernel_full", 7)]
    assert others == [[], [], []]
