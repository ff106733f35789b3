"""Read the protocol of nats-server, and hand messages over straight from the bytes read.

This stands in for the parser of nats-py, which puts each message into a queue that a task of its
subscription empties: more work than all the rest of reading it. A subject may have any bytes but
blanks and line ends, because nats-server accepts those. Whatever is no protocol raises
ProtocolError, at which nats-py connects again.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from msgspec import Struct
from nats.errors import ProtocolError

LINE_END: Final = b"\r\n"
MESSAGES: Final = frozenset({b"MSG", b"HMSG"})
MAX_LINE_BYTES: Final = 65_536
MAX_MESSAGE_BYTES: Final = 64 * 2**20 + MAX_LINE_BYTES
"""More than the largest message that nats-server can be set to accept."""

Receive = Callable[[bytes, bytes, bytes, bytes], None]
"""Take a message: subject, subject of the reply, headers and payload; b"" for none.

It raises ProtocolError for a message that nats-server cannot have sent.
"""

_information: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Reactions(Struct, frozen=True):
    """Hold what a client does at each thing that nats-server sends.

    `message` gets the number of its subscription, subject, subject of the reply, payload and
    headers, `error` the reason in lower case, `failure` what a direct receiver raised.
    """

    message: Callable[[int, bytes, bytes, bytes, bytes], Awaitable[None]]
    error: Callable[[str], Awaitable[None]]
    ping: Callable[[], Awaitable[None]]
    pong: Callable[[], Awaitable[None]]
    information: Callable[[dict[str, Any]], Awaitable[None]]
    failure: Callable[[Exception], Awaitable[None]]


class Wire:
    """Read the bytes of one connection, piece by piece.

    `direct` has the receiver of each subscription, by its number, that takes messages while they
    are read. Messages of all others go to the client.
    """

    def __init__(self, reactions: Reactions) -> None:
        """Prepare to read for the client that reacts so."""
        self.direct: dict[bytes, Receive] = {}
        self._client = reactions
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._needed_bytes = 0
        self._resets = 0

    def reset(self) -> None:
        """Drop the bytes kept: another connection begins."""
        self._keep(b"", 0)
        self._resets += 1

    async def parse(self, data: bytes) -> None:
        """Act on the next bytes, and keep those of an incomplete message; raises ProtocolError."""
        if self._kept:
            self._kept.append(data)
            self._kept_bytes += len(data)
            if self._kept_bytes < self._needed_bytes:
                return
            data = b"".join(self._kept)
        size, begin, needed, resets = len(data), 0, 0, self._resets
        while (line_end := data.find(LINE_END, begin)) >= 0:
            words = data[begin:line_end].split(b" ")
            if words[0] not in MESSAGES:
                begin = line_end + 2
                await self._act(words)
                if self._resets != resets:
                    return
                continue
            subject, number, reply, head_bytes, whole_bytes = _addressed(words)
            payload_end = line_end + 2 + whole_bytes
            if size < payload_end + 2:
                needed = payload_end + 2 - begin
                break
            begin = payload_end + 2
            payload_begin = line_end + 2 + head_bytes
            headers, payload = data[line_end + 2 : payload_begin], data[payload_begin:payload_end]
            if data[payload_end:begin] != LINE_END:
                raise ProtocolError
            receive = self.direct.get(number)
            if receive is None:
                await self._client.message(int(number), subject, reply, payload, headers)
                if self._resets != resets:
                    return
                continue
            try:
                receive(subject, reply, headers, payload)
            except ProtocolError:
                raise
            except Exception as error:  # one message must not keep the later ones from being read
                await self._client.failure(error)
        if not needed and size - begin > MAX_LINE_BYTES:
            raise ProtocolError
        self._keep(data[begin:], needed)

    def _keep(self, rest: bytes, needed_bytes: int) -> None:
        self._kept = [rest] if rest else []
        self._kept_bytes, self._needed_bytes = len(rest), needed_bytes

    async def _act(self, words: list[bytes]) -> None:
        """Act on a line that is no message."""
        operation, rest = words[0], b" ".join(words[1:])
        if operation == b"PING":
            await self._client.ping()
        elif operation == b"PONG":
            await self._client.pong()
        elif operation == b"-ERR":
            await self._client.error(rest.decode(errors="backslashreplace").lower())
        elif operation == b"INFO":
            try:
                information = _information(rest)
            except msgspec.DecodeError:
                raise ProtocolError from None
            await self._client.information(information)
        elif operation != b"+OK":
            raise ProtocolError


def _addressed(words: list[bytes]) -> tuple[bytes, bytes, bytes, int, int]:
    """Return subject, number of the subscription, reply, size of the headers and of the whole.

    The line is `MSG subject number [reply] whole`, or `HMSG subject number [reply] head whole`.
    Raises ProtocolError.
    """
    address = len(words) - (1 if words[0] == b"MSG" else 2)
    try:
        head_bytes = 0 if words[0] == b"MSG" else int(words[-2])
        whole_bytes = int(words[-1])
    except (ValueError, IndexError):
        raise ProtocolError from None
    if not (
        3 <= address <= 4
        and 0 <= head_bytes <= whole_bytes <= MAX_MESSAGE_BYTES
        and words[2].isdigit()
    ):
        raise ProtocolError
    return words[1], words[2], words[3] if address == 4 else b"", head_bytes, whole_bytes
