"""A raw connection to nats-server that sends any bytes and keeps everything it receives."""

import asyncio
import base64
import contextlib
from pathlib import Path
from typing import Any, Final

import msgspec

from pitbox.identity.credentials import read
from pitbox.identity.nkeys import KeyPair
from tests.tools.servers import NatsServer

ANSWER_S: Final = 2.0


class Wire:
    """One connection; `messages` are those delivered, `errors` those of nats-server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.errors: list[str] = []
        self._pong = asyncio.Event()
        self._reader = reader
        self._writer = writer
        self._task = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, server: NatsServer, file: Path) -> "Wire":
        """Connect with credentials."""
        who = read(file)
        return await cls.claim(server, who.jwt, who.pair)

    @classmethod
    async def claim(
        cls, server: NatsServer, token: str, pair: KeyPair | None, *, port: int = 0, **more: Any
    ) -> "Wire":
        """Connect with any JWT, signed with any key or none, to the client port or another."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port or server.port)
        info = (await reader.readline()).removeprefix(b"INFO ")
        options = {"verbose": False, "headers": True, "no_responders": True, "jwt": token, **more}
        if pair is not None:
            nonce = msgspec.json.decode(info)["nonce"].encode()
            options["sig"] = base64.b64encode(pair.sign(nonce)).decode()
        wire = cls(reader, writer)
        wire.send(b"CONNECT %s\r\n" % msgspec.json.encode(options))
        return wire

    def send(self, content: bytes) -> None:
        """Send bytes."""
        with contextlib.suppress(OSError):
            self._writer.write(content)

    def publish(
        self, subject: str, payload: bytes = b"", reply: str = "", headers: str = ""
    ) -> None:
        """Publish with any subject and reply."""
        where = f"{subject} {reply} " if reply else f"{subject} "
        if headers:
            head = f"NATS/1.0\r\n{headers}\r\n\r\n".encode()
            sizes = f"{len(head)} {len(head) + len(payload)}"
            self.send(f"HPUB {where}{sizes}\r\n".encode() + head + payload + b"\r\n")
        else:
            self.send(f"PUB {where}{len(payload)}\r\n".encode() + payload + b"\r\n")

    def subscribe(self, subject: str, number: int = 1, queue: str = "") -> None:
        """Subscribe to any subject."""
        self.send(f"SUB {subject} {queue} {number}\r\n".encode())

    async def answers_ping(self) -> bool:
        """Return whether nats-server answers a ping, after processing everything sent before."""
        self._pong.clear()
        self.send(b"PING\r\n")
        answered = asyncio.ensure_future(self._pong.wait())
        done = {answered, self._task}
        await asyncio.wait(done, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        return self._pong.is_set()

    async def close(self) -> None:
        """Close the connection."""
        self._task.cancel()
        await asyncio.wait({self._task})
        self._writer.close()

    async def _listen(self) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while line := await self._reader.readline():
                word, *rest = line.decode(errors="replace").split()
                if word in ("MSG", "HMSG", "LMSG"):
                    payload = await self._reader.readexactly(int(rest[-1]) + 2)
                    self.messages.append((rest[0], payload[:-2]))
                elif word == "PONG":
                    self._pong.set()
                elif word == "PING":
                    self.send(b"PONG\r\n")
                elif word == "-ERR":
                    self.errors.append(line.decode(errors="replace").strip())
