"""A TCP link that can be cut, turned into a black hole, slowed and delayed.

A black hole accepts new connections and never answers: a user process cannot drop a SYN.
"""

import asyncio
import contextlib
import socket
import struct
from typing import Final

from tests.faults.background import Background

READ_BYTES: Final = 4096
SOCKET_BUFFER_BYTES: Final = 32_768
ROUTER_PARTS: Final = 16
"""Parts of `READ_BYTES` that the link holds in flight, as a router's buffer does."""
RESET: Final = struct.pack("ii", 1, 0)


class Link:
    """Forward connections to a port of loopback, and fail on request.

    `rate_bps` is bit/s each way over all connections, None for no limit; `delay_s` one way.
    """

    def __init__(self, background: Background, target_port: int) -> None:
        """Listen on a free port at once."""
        self.port = 0
        self.rate_bps: float | None = None
        self.delay_s = 0.0
        self._background = background
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._free_at = {"up": 0.0, "down": 0.0}
        self._passing = asyncio.Event()
        self._passing.set()
        background.run(self._listen())

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._background.run(self._refuse())
        self.reset()

    def black_hole(self) -> None:
        """Drop everything silently."""
        self._background.loop.call_soon_threadsafe(self._passing.clear)

    def reset(self) -> None:
        """Reset every connection."""
        self._background.run(self._reset())

    def heal(self) -> None:
        """Forward everything again, on the same connections if they are still open."""
        self._background.loop.call_soon_threadsafe(self._passing.set)
        self._background.run(self._listen())

    def slow(self, rate_bps: float, delay_s: float) -> None:
        """Forward at most `rate_bps` each way, each part `delay_s` late."""
        self.rate_bps, self.delay_s = rate_bps, delay_s

    def close(self) -> None:
        """Stop forwarding."""
        self.cut()

    async def _listen(self) -> None:
        if self._server is not None:
            return
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit this. A large buffer would hide the delay from the sender.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
        listening.bind(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        self._server = await asyncio.start_server(self._carry, sock=listening, limit=READ_BYTES)

    async def _refuse(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def _reset(self) -> None:
        for writer in list(self._writers):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, RESET
                )
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        beyond: asyncio.StreamWriter | None = None
        try:
            await self._passing.wait()
            answers, beyond = await asyncio.open_connection("127.0.0.1", self._target_port)
            self._writers.add(beyond)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, beyond, "up"))
                tasks.create_task(self._pump(answers, writer, "down"))
        except* OSError:
            pass
        finally:
            for end in (writer, beyond):
                if end is not None:
                    self._writers.discard(end)
                    end.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str
    ) -> None:
        in_flight: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(ROUTER_PARTS)
        async with asyncio.TaskGroup() as tasks:
            delivering = tasks.create_task(self._deliver(in_flight, writer))
            while part := await reader.read(READ_BYTES):
                await self._passing.wait()
                sent_at = await self._send(len(part), way)
                await in_flight.put((sent_at + self.delay_s, part))
            await in_flight.join()
            delivering.cancel()
        await self._passing.wait()
        if not writer.is_closing():
            writer.write_eof()

    async def _send(self, length: int, way: str) -> float:
        """Wait until the last bit has left, and return that time."""
        loop = asyncio.get_running_loop()
        if self.rate_bps is None:
            return loop.time()
        sent_at = max(self._free_at[way], loop.time()) + 8 * length / self.rate_bps
        self._free_at[way] = sent_at
        await asyncio.sleep(sent_at - loop.time())
        return sent_at

    async def _deliver(
        self, in_flight: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, part = await in_flight.get()
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            await self._passing.wait()
            writer.write(part)
            await writer.drain()
            in_flight.task_done()
