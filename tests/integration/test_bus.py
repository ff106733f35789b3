"""The bus publishes, subscribes and requests, and raises or logs each failure at once."""

import asyncio
import signal

import pytest
from structlog.testing import capture_logs

from pitbox import metrics, topology
from pitbox.nats.bus import Bus, BusDown, NobodyListens
from pitbox.settings import Nats
from pitbox.topology import TopologyError
from schemas.link import Ask, Hello, Receipt
from schemas.timing import Session
from tests.tools.hub import apply, chunk, connected, eventually, settled
from tests.tools.servers import NatsServer, everything, free_port

HELLO = Hello(driver="ada", session="test", run=1, at_ns=2)
ASK = Ask(driver="ada", session="test", run=1)


async def test_subscribers_receive_events_decoded_or_raw(nats_server: NatsServer) -> None:
    received: list[Hello] = []
    raw: list[tuple[str, bytes]] = []

    def receive(hello: Hello) -> None:
        received.append(hello)

    async with connected(nats_server.url) as driver, connected(nats_server.url, "gateway") as wall:
        await driver.listen("link.hello", receive, driver="ada")
        await wall.listen_raw("link.hello", lambda subject, payload: raw.append((subject, payload)))
        await settled(driver)
        await settled(wall)
        await driver.publish("link.hello", HELLO)
        await driver.publish("link.hello", HELLO, driver="bea")

        async def both() -> bool:
            return len(raw) == 2 and bool(received)

        await eventually(both, "hellos")
    assert received == [HELLO]
    assert [subject for subject, _ in raw] == ["hello.ada", "hello.bea"]


async def test_a_bus_that_was_never_connected_is_down() -> None:
    driver = Bus("drive", topology.load())
    with pytest.raises(BusDown):
        await driver.request("link.ask", ASK)
    with pytest.raises(BusDown):
        await driver.store("telemetry.live", chunk())
    assert not await driver.alive()
    assert not await Bus("persister", topology.load()).restore()


async def test_a_stream_that_is_gone_is_recreated_also_while_somebody_subscribes(
    nats_server: NatsServer,
) -> None:
    await apply(nats_server.url)
    fact = Session(session="test", driver="ada", at_ns=1, source="sim", started_ns=1)
    async with (
        connected(nats_server.url) as admin,
        connected(nats_server.url, "timing") as bus,
        connected(nats_server.url, "gateway") as wall,
    ):
        await wall.listen("timing.session", lambda _: None)
        await settled(wall)
        await admin.jetstream.delete_stream("TIMING")
        with pytest.raises(NobodyListens, match=r"no stream takes timing\.session"):
            await bus.store("timing.session", fact, timeout_s=1)
        assert await bus.store("timing.session", fact) == 1


async def test_a_request_is_answered_or_has_no_responder(nats_server: NatsServer) -> None:
    answers = {
        1: Receipt(
            **{"session": "test", "driver": "ada", "run": 1, "through": -1, "upto": -1},
            **{"missing": (), "echo": -1, "made": -1, "boot": "b", "hub_ns": 3},
        )
    }

    async def reply(ask: Ask) -> Receipt | None:
        return answers.get(ask.run)

    async with connected(nats_server.url) as driver:
        with pytest.raises(NobodyListens, match=r"nobody answers link\.ask"):
            await driver.request("link.ask", ASK)
        async with connected(nats_server.url, "persister") as persister:
            await persister.answer("link.ask", reply)
            await settled(persister)
            assert await driver.request("link.ask", ASK) == answers[1]
            unknown = Ask(driver="ada", session="test", run=2)
            with pytest.raises(BusDown, match=r"no answer to link\.ask"):
                await driver.request("link.ask", unknown, timeout_s=0.2)


async def test_an_event_on_a_foreign_subject_is_dropped(
    nats_server: NatsServer,
) -> None:
    received: list[int] = []

    def receive(event: Hello | Ask) -> None:
        received.append(event.run)

    async with connected(nats_server.url) as driver, connected(nats_server.url, "gateway") as wall:
        await wall.listen("link.hello", receive)
        await settled(wall)
        await driver.publish("link.hello", HELLO, driver="eve")
        await driver.publish("link.hello", Hello(driver="ada", session="test", run=3, at_ns=2))

        async def one() -> bool:
            return bool(received)

        await eventually(one, "the hello on its own subject")
    assert received == [3]


async def test_a_service_uses_only_the_routes_it_declares(nats_server: NatsServer) -> None:
    async with connected(nats_server.url, "timing") as timing:
        with pytest.raises(TopologyError, match=r"timing does not declare that it writes link\."):
            await timing.publish("link.hello", HELLO)
        with pytest.raises(TopologyError, match=r"timing does not declare that it reads link\."):
            await timing.listen_raw("link.hello", lambda *_: None)


async def test_nothing_is_buffered_while_the_server_is_down(nats_server: NatsServer) -> None:
    async with connected(nats_server.url) as driver:
        nats_server.kill()

        async def down() -> bool:
            return not driver.up.is_set()

        await eventually(down, "the loss is noticed")
        for attempt in (
            driver.publish("link.hello", HELLO),
            driver.store("telemetry.live", chunk(0)),
            driver.request("link.ask", ASK),
        ):
            with pytest.raises(BusDown):
                await attempt
        assert not await driver.alive()
        nats_server.start()
        await eventually(driver.alive, "the server is back")
        await driver.publish("link.hello", HELLO)


async def test_a_silent_server_is_detected(nats_server: NatsServer) -> None:
    async with connected(nats_server.url, ping_interval_s=0.2) as driver:
        nats_server.send(signal.SIGSTOP)

        async def lost() -> bool:
            return not driver.up.is_set()

        await eventually(lost, "the silence is noticed")
        assert not await driver.alive(timeout_s=0.2)
        nats_server.send(signal.SIGCONT)
        await eventually(driver.alive, "the server is back")


@pytest.mark.parametrize("trouble", ["nobody", "silent"])
async def test_a_first_connection_may_time_out(nats_server: NatsServer, trouble: str) -> None:
    url = nats_server.url if trouble == "silent" else f"nats://me:s3cr3t@127.0.0.1:{free_port()}"
    server = Nats(url=url, credentials=str(everything(nats_server.url)))
    nats_server.send(signal.SIGSTOP)
    with capture_logs() as logs, pytest.raises(BusDown, match="cannot reach nats-server") as raised:
        await Bus.connect(server, "drive", topology.load(), forever=False)
    nats_server.send(signal.SIGCONT)
    assert "s3cr3t" not in f"{raised.value} {logs}"


async def test_an_undecodable_event_is_counted_and_the_next_one_received(
    nats_server: NatsServer,
) -> None:
    received: list[Hello] = []

    def receive(hello: Hello) -> None:
        received.append(hello)

    def count() -> float:
        value: float = metrics.decode_errors.labels("link.hello")._value.get()
        return value

    before = count()
    async with connected(nats_server.url) as driver:
        await driver.listen("link.hello", receive)
        await settled(driver)
        for payload in (b"\xc1", b"", b"\x91" * 5000):
            await driver.client.publish("hello.ada", payload)
        await driver.publish("link.hello", HELLO)

        async def valid() -> bool:
            return received == [HELLO]

        await eventually(valid, "the valid event")
    assert count() == before + 3


async def test_a_failing_subscriber_is_logged(nats_server: NatsServer) -> None:
    def fail(_: Hello) -> None:
        raise ZeroDivisionError("my mistake")

    async with connected(nats_server.url) as driver:
        await driver.listen("link.hello", fail)
        with capture_logs() as logs:
            await driver.publish("link.hello", HELLO)

            async def logged() -> bool:
                return any("my mistake" in str(line) for line in logs)

            await eventually(logged, "the failure is logged")
    assert logs[0]["log_level"] == "error"


async def test_a_raw_subscriber_outlives_failures_reconnects_and_new_credentials(
    nats_server: NatsServer,
) -> None:
    raw: list[bytes] = []

    def receive(_: str, payload: bytes) -> None:
        if not payload:
            raise ZeroDivisionError("my mistake")
        raw.append(payload)

    async with connected(nats_server.url, "gateway") as wall, connected(nats_server.url) as driver:
        subscription = await wall.listen_raw("link.hello", receive)
        await settled(wall)

        async def hears(payload: bytes) -> None:
            await driver.client.publish("hello.ada", payload)

            async def heard() -> bool:
                return raw[-1:] == [payload]

            await eventually(heard, f"{payload!r} is heard")

        with capture_logs() as logs:
            await driver.client.publish("hello.ada", b"")
            await hears(b"after a failure")
        assert any("my mistake" in str(line) for line in logs)
        await wall.force_reconnect()
        await eventually(lambda: connected_again(wall), "the connection is back")
        await settled(wall)
        await hears(b"after a reconnect")
        await subscription.unsubscribe()
        await settled(wall)
        await driver.client.publish("hello.ada", b"to nobody")
        await driver.client.flush()
        await wall.replace()
        await hears(b"after a replacement")
    assert b"to nobody" not in raw


async def connected_again(bus: Bus) -> bool:
    return bus.connects > 1 and bus.up.is_set()


async def test_closing_sends_what_was_published(nats_server: NatsServer) -> None:
    await apply(nats_server.url)
    async with connected(nats_server.url) as driver:
        for number in range(500):
            await driver.publish("telemetry.live", chunk(number))
    async with connected(nats_server.url) as driver:

        async def all_stored() -> bool:
            return (await driver.jetstream.stream_info("TELEMETRY")).state.messages == 500

        await eventually(all_stored, "every chunk")


async def test_work_on_a_lost_connection_ends_with_it(nats_server: NatsServer) -> None:
    async with connected(nats_server.url) as bus:
        never_answered = asyncio.ensure_future(bus.while_up(asyncio.sleep(3600)))
        await asyncio.sleep(0)
        nats_server.stop()
        with pytest.raises(BusDown, match="was lost"):
            await never_answered
        nats_server.start()
