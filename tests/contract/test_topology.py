"""streams.yaml and the code name the same events, services, streams and subjects."""

import ast
import importlib
import re

import msgspec
import pytest

from commands.hub import nats_server
from pitbox import topology
from pitbox.topology import room, size_bytes
from pitbox.topology.contradictions import FOLD_WRITES
from schemas.registry import EVENTS
from schemas.telemetry import Token
from tests.tools.sources import PACKAGES, ROOT, files, nodes

TOPOLOGY = topology.load()
SERVICES = {**TOPOLOGY.producers, **TOPOLOGY.consumers}
ENVELOPE_BYTES = 2_000


def test_every_event_is_carried_and_every_carried_event_exists() -> None:
    carried = {tag for route in TOPOLOGY.routes.values() for tag in (*route.events, route.reply)}
    assert carried - {""} == set(EVENTS)


def test_every_route_is_written_by_a_service() -> None:
    written = {route for service in SERVICES.values() for route in service.writes}
    assert written | {*FOLD_WRITES} == set(TOPOLOGY.routes)


def test_every_route_outside_a_stream_is_read_by_a_service() -> None:
    """A stream keeps its events for readers to come; a message that nobody receives is lost."""
    read = {route for service in SERVICES.values() for route in service.reads}
    assert set(TOPOLOGY.direct) <= read


def test_every_consumer_is_a_folder_and_every_folder_with_a_service_a_consumer() -> None:
    """A folder without a service holds pure modules that a service is still to run."""
    services = {path.parent.name for path in (ROOT / "consumers").glob("*/service.py")}
    assert services == set(TOPOLOGY.consumers)


@pytest.mark.parametrize("name", TOPOLOGY.consumers)
def test_every_consumer_can_be_created_and_decode_its_routes(name: str) -> None:
    assert callable(importlib.import_module(f"consumers.{name}.service").service)
    for stream in TOPOLOGY.streams:
        routes = [r for r in TOPOLOGY.consumers[name].reads if TOPOLOGY.stream_of.get(r) == stream]
        if routes:
            TOPOLOGY.decoder(*routes)


@pytest.mark.parametrize("name", TOPOLOGY.consumers)
def test_an_event_leaves_a_consumer_by_one_route(name: str) -> None:
    tags = [t for r in TOPOLOGY.consumers[name].writes for t in TOPOLOGY.route(r).events]
    assert len(tags) == len(set(tags))


def test_all_streams_together_fit_the_store_of_the_server() -> None:
    together = sum(size_bytes(stream.max_bytes) for stream in TOPOLOGY.streams.values())
    assert together <= room.LEAST_STORE_BYTES


def test_every_message_fits_into_a_dead_letter_and_through_the_server() -> None:
    limit_bytes = size_bytes(TOPOLOGY.streams["DEAD"].max_msg_size)
    for name, stream in TOPOLOGY.streams.items():
        if name != "DEAD":
            assert size_bytes(stream.max_msg_size) + ENVELOPE_BYTES <= limit_bytes
    assert limit_bytes <= nats_server.MAX_PAYLOAD


def test_no_code_names_a_subject_or_a_stream() -> None:
    """No string literal matches a subject's template, and no f-string begins like one."""
    shapes = [
        re.compile(re.sub(r"\\\{\w+\\\}", r"[^.]+", re.escape(route.subject)))
        for route in TOPOLOGY.routes.values()
    ]
    begins = tuple({route.subject.split("{")[0] for route in TOPOLOGY.routes.values()})
    allowed = {*TOPOLOGY.routes, *EVENTS}

    def is_subject(node: ast.AST) -> bool:
        if isinstance(node, ast.JoinedStr):
            first = node.values[0] if node.values else None
            return isinstance(first, ast.Constant) and str(first.value).startswith(begins)
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            return False
        named = node.value in TOPOLOGY.streams
        return named or (node.value not in allowed and any(s.fullmatch(node.value) for s in shapes))

    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in files(*PACKAGES)
        for node in nodes(path)
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and is_subject(node)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["", "a b", "a.b", "*", ">", "é", "a\n", "-a", "a" * 65])
def test_a_name_that_is_more_than_one_token_of_a_subject_is_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name, Token)


def test_a_deletion_reaches_every_stream_that_names_a_session() -> None:
    """A subject without driver and session cannot be purged for one session alone."""
    named = {
        name
        for name in TOPOLOGY.stream_of
        if any("session" in EVENTS[tag].__struct_fields__ for tag in TOPOLOGY.route(name).events)
    }
    assert named == {*TOPOLOGY.of_sessions} == {*TOPOLOGY.purges("persister")}
