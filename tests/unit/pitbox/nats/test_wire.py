"""Bytes of nats-server become messages however they are cut, and what is no protocol is refused."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.errors import ProtocolError

from pitbox.nats.wire import MAX_LINE_BYTES, MAX_MESSAGE_BYTES, Reactions, Wire

Message = tuple[bytes, bytes, bytes, bytes]

SUBJECTS = st.binary(min_size=1, max_size=12).filter(lambda one: not set(one) & set(b" \t\r\n"))
HEADERS = st.sampled_from([b"", b"NATS/1.0\r\n\r\n", b"NATS/1.0 404\r\n\r\n", b"\r\n\r\n\xff"])
MESSAGES = st.tuples(SUBJECTS, SUBJECTS | st.just(b""), HEADERS, st.binary(max_size=60))


class Client:
    """Record what a wire asks of it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.wire = Wire(
            Reactions(
                message=self._message,
                error=self._error,
                ping=partial(self._note, "ping"),
                pong=partial(self._note, "pong"),
                information=self._note,
                failure=self._note,
            )
        )

    async def _note(self, what: Any) -> None:
        self.seen.append(what)

    async def _message(
        self, number: int, subject: bytes, reply: bytes, payload: bytes, headers: bytes
    ) -> None:
        self.seen.append((number, subject, reply, headers, payload))

    async def _error(self, reason: str) -> None:
        self.seen.append(reason)
        self.wire.reset()


def sent(message: Message, number: int = 7) -> bytes:
    """Return a message as nats-server sends it."""
    subject, reply, headers, payload = message
    address = b"%b %d " % (subject, number) + (reply + b" " if reply else b"")
    if headers:
        sizes = b"%d %d" % (len(headers), len(headers + payload))
        return b"HMSG %b%b\r\n%b%b\r\n" % (address, sizes, headers, payload)
    return b"MSG %b%d\r\n%b\r\n" % (address, len(payload), payload)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Return the bytes in pieces."""
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@given(st.lists(MESSAGES, max_size=6), st.lists(st.integers(min_value=0), max_size=8))
async def test_messages_are_handed_over_however_the_bytes_are_cut(
    messages: list[Message], places: list[int]
) -> None:
    client, taken = Client(), list[Message]()
    client.wire.direct[b"7"] = lambda *message: taken.append(message)
    for piece in cut(b"PING\r\n".join([*map(sent, messages), b""]), places):
        await client.wire.parse(piece)
    assert taken == messages
    assert client.seen == ["ping"] * len(messages)


@given(st.lists(st.tuples(MESSAGES, st.booleans()), max_size=6))
async def test_messages_of_other_subscriptions_go_to_the_client_in_their_order(
    messages: list[tuple[Message, bool]],
) -> None:
    client = Client()
    client.wire.direct[b"7"] = lambda *message: client.seen.append((7, *message))
    for message, direct in messages:
        await client.wire.parse(sent(message, 7 if direct else 8))
    assert client.seen == [(7 if direct else 8, *message) for message, direct in messages]


async def test_lines_that_are_no_messages_go_to_the_client() -> None:
    client = Client()
    await client.wire.parse(b'PING\r\nPONG\r\n+OK\r\nINFO {"max_payload": 1}\r\nPING\r\n')
    assert client.seen == ["ping", "pong", {"max_payload": 1}, "ping"]
    await client.wire.parse(b"-ERR 'Stale Connection'\r\n")
    assert client.seen[-1] == "'stale connection'"


async def test_nothing_of_a_connection_is_read_after_the_next_one_began() -> None:
    client = Client()
    await client.wire.parse(b"-ERR 'x'\r\nPING\r\nPI")
    await client.wire.parse(b"PONG\r\n")
    assert client.seen == ["'x'", "pong"]


@pytest.mark.parametrize(
    "data",
    [
        b"HELLO\r\n",
        b"\r\n",
        b"MSG\r\n",
        b"HMSG\r\n",
        b"MSG a 7\r\n",
        b"MSG a 7 b c 1\r\n\r\n",
        b"MSG a seven 1\r\nx\r\n",
        b"MSG a 7 -5\r\nx\r\n",
        b"MSG a 7 x\r\nx\r\n",
        b"HMSG a 7 5\r\nx\r\n",
        b"HMSG a 7 9 5\r\n12345\r\n",
        b"HMSG a 7 -1 5\r\n12345\r\n",
        b"XMSG a 7 1\r\nx\r\n",
        b"MSG a 7 %d\r\n" % (MAX_MESSAGE_BYTES + 1),
        b"MSG a 7 1\r\nabcPING\r\n",
        b"INFO {\r\n",
        b"INFO []\r\n",
        b"x" * (MAX_LINE_BYTES + 1),
    ],
)
async def test_what_is_no_protocol_is_refused(data: bytes) -> None:
    client = Client()
    client.wire.direct[b"7"] = lambda *_: client.seen.append("message")
    with pytest.raises(ProtocolError):
        await client.wire.parse(data)
    assert client.seen == []


async def test_a_message_that_its_receiver_fails_on_keeps_no_other_from_being_read() -> None:
    client, taken = Client(), list[bytes]()

    def receive(subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        if not payload:
            raise ZeroDivisionError
        taken.append(payload)

    client.wire.direct[b"7"] = receive
    await client.wire.parse(b"".join(sent((b"a", b"", b"", one)) for one in (b"1", b"", b"3")))
    assert taken == [b"1", b"3"]
    assert [type(error) for error in client.seen] == [ZeroDivisionError]


async def test_a_message_that_its_receiver_finds_to_be_no_protocol_ends_the_reading() -> None:
    client, taken = Client(), list[bytes]()

    def receive(subject: bytes, reply: bytes, headers: bytes, payload: bytes) -> None:
        if not payload:
            raise ProtocolError
        taken.append(payload)

    client.wire.direct[b"7"] = receive
    with pytest.raises(ProtocolError):
        await client.wire.parse(b"".join(sent((b"a", b"", b"", one)) for one in (b"1", b"", b"3")))
    assert taken == [b"1"]
