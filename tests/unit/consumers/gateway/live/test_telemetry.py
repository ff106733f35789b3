"""Frames of one turn of the event loop are passed on at its end, to each client in one write."""

import asyncio

import msgspec

from consumers.gateway.live.deletions import Deletions
from consumers.gateway.live.facts import TABLE
from consumers.gateway.live.fanout import Fanout, choice
from consumers.gateway.live.latest import Latest
from consumers.gateway.live.outbox import Outbox
from consumers.gateway.live.presence import Presences
from consumers.gateway.live.telemetry import MAX_WAITING_BYTES, MAX_WAITING_CHUNKS, Telemetry
from pitbox import topology
from pitbox.chunks.frames import pack
from pitbox.postgres.pool import Pool
from schemas.telemetry import Chunk
from schemas.wall import Frames, Subscribe, ToPage
from tests.tools import hub

NO_POSTGRES = "postgresql://127.0.0.1:1/none"

decode = msgspec.msgpack.Decoder(ToPage).decode


class Client:
    """Take all messages, and remember the numbers of the chunks in each write."""

    def __init__(self) -> None:
        self.writes: list[list[int]] = []

    def has_room(self) -> bool:
        """Return whether messages are taken."""
        return True

    def write(self, *messages: bytes) -> None:
        """Take messages."""
        frames = [decode(message) for message in messages]
        self.writes.append([one.chunk for one in frames if isinstance(one, Frames)])


class Gateway:
    """Receive chunks for clients that watch two selections of channels."""

    def __init__(self, **selections: str) -> None:
        declared = topology.load()
        fanout: Fanout[Outbox] = Fanout()
        presences = Presences()
        deletions = Deletions(
            Pool(NO_POSTGRES, "test", {}),
            latest=Latest(TABLE),
            presences=presences,
            fanout=fanout,
            read_facts=_read_nothing,
        )
        self.telemetry = Telemetry(declared, fanout, presences, deletions)
        self.clients = {name: Client() for name in selections}
        for name, channel in selections.items():
            wish = Subscribe(session="test", channels=(channel,))
            fanout.choose(Outbox(self.clients[name]), choice(wish))
        self._subject = declared.subject("telemetry.live", driver="ada", session="test")
        self._receive = self.telemetry.receiver("telemetry.live", late=False)

    def receive(self, chunk: Chunk) -> None:
        """Receive a chunk."""
        self._receive(self._subject, msgspec.msgpack.encode(chunk))

    @property
    def writes(self) -> list[list[list[int]]]:
        """Return what each client was written."""
        return [client.writes for client in self.clients.values()]


async def _read_nothing(session: str) -> None:
    """Read no facts."""


async def turn() -> None:
    """Let the event loop turn once."""
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await turned.wait()


async def test_chunks_of_one_turn_are_one_write_to_each_client() -> None:
    gateway = Gateway(ann="speed", ben="speed", cid="lap_number")
    for number in range(3):
        gateway.receive(hub.chunk(number))
    assert gateway.writes == [[], [], []]
    await turn()
    assert gateway.writes == [[[0, 1, 2]]] * 3
    await turn()
    assert gateway.writes == [[[0, 1, 2]]] * 3


async def test_a_chunk_alone_in_its_turn_is_passed_on_too() -> None:
    gateway = Gateway(ann="speed", cid="lap_number")
    for number in range(2):
        gateway.receive(hub.chunk(number))
        await turn()
    assert gateway.writes == [[[0], [1]]] * 2
    assert gateway.telemetry.newly_encoded() == 4


async def test_few_chunks_wait_for_the_end_of_a_turn() -> None:
    gateway = Gateway(ann="speed")
    for number in range(MAX_WAITING_CHUNKS):
        assert gateway.writes == [[]]
        gateway.receive(hub.chunk(number))
    assert gateway.writes == [[[*range(MAX_WAITING_CHUNKS)]]]


async def test_few_bytes_wait_for_the_end_of_a_turn() -> None:
    gateway = Gateway(ann="speed")
    frames = 500
    times = [hub.START_NS + frame * 16_000_000 for frame in range(frames)]
    block = pack(times, [bytes(4 * len(hub.CHANNELS))] * frames)
    large = 8 * frames + 4 * frames
    count = MAX_WAITING_BYTES // large + 1
    for number in range(count):
        assert gateway.writes == [[]]
        gateway.receive(hub.chunk(number, frames=frames, block=block))
    assert gateway.writes == [[[*range(count)]]]
