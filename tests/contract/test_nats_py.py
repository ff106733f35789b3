"""The private points of nats-py that `pitbox.nats.client` relies on are as they were.

After an update: read what changed in `nats/aio/client.py`, `nats/aio/subscription.py` and
`nats/protocol/parser.py`, adapt `client.py` and `wire.py`, and raise the version here and in
pyproject.toml.
"""

import importlib.metadata
import inspect
from typing import Any

import nats.aio.client
import pytest
from nats.protocol.parser import Parser

from pitbox.nats.wire import Reactions, Wire

READ = "nats-py is another version than the one whose private points were read"

SIGNATURES = {
    "_process_msg": ["sid", "subject", "reply", "data", "headers"],
    "_process_err": ["err_msg"],
    "_process_ping": [],
    "_process_pong": [],
    "_process_info": ["info", "initial_connection"],
    "_process_op_err": ["e"],
    "_process_headers": ["headers"],
    "_build_message": ["sid", "subject", "reply", "data", "headers"],
    "_connect_to_server": ["s"],
    "_flush_pending": ["force_flush"],
    "_remove_sub": ["sid", "max_msgs"],
}


def test_the_version_is_the_one_that_was_read() -> None:
    assert importlib.metadata.version("nats-py") == "2.16.0", READ


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_private_method_takes_what_it_took(name: str) -> None:
    parameters = inspect.signature(getattr(nats.aio.client.Client, name)).parameters
    assert list(parameters)[1:] == SIGNATURES[name]


def test_the_client_calls_its_parser_in_these_places_only() -> None:
    source = inspect.getsource(nats.aio.client)
    calls = [line.strip() for line in source.splitlines() if "_ps" in line and "opts" not in line]
    assert [line for line in calls if "self._ps" in line] == [
        "self._ps: Parser = Parser(self)",
        "self._ps.reset()",
        "self._ps.reset()",
        "self._ps.reset()",
        "await self._ps.parse(b)",
    ]


async def test_the_wire_reads_what_the_parser_reads() -> None:
    data = (
        b"PING\r\nMSG a.b 1 5\r\nhello\r\nMSG a 2 re.ply 0\r\n\r\n+OK\r\nPONG\r\n"
        b"HMSG a 3 12 17\r\nNATS/1.0\r\n\r\nhello\r\nHMSG a 4 r 16 16\r\nNATS/1.0 404\r\n\r\n\r\n"
        b"-ERR 'Slow Consumer'\r\nINFO {\"ldm\": true}\r\nMSG a 5 1\r\nx\r\n"
    )
    theirs, ours = Recorder(), Recorder()
    reactions = Reactions(
        message=ours._process_msg,
        error=ours._process_err,
        ping=ours._process_ping,
        pong=ours._process_pong,
        information=ours._process_info,
        failure=ours._error_cb,
    )
    for parser in (Parser(theirs), Wire(reactions)):  # type: ignore[no-untyped-call]
        for place in range(len(data)):
            await parser.parse(data[place : place + 1])
    assert theirs.calls == ours.calls
    assert len(ours.calls) == 9


class Recorder:
    """Record the calls of a parser."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*values: Any) -> None:
            # The parser of nats-py passes None where a message has no headers.
            self.calls.append((name, *(value or b"" for value in values)))

        return call
