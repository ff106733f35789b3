"""The bus says what it cannot do, at once, and lets no listener fail in silence."""

import signal

import pytest
from structlog.testing import capture_logs

from pitbox import metrics, topology
from pitbox.nats.bus import Bus, BusDown, NobodyListens
from pitbox.settings import Nats
from pitbox.topology import TopologyError
from schemas.link import Ask, Hello, Receipt
from tests.tools.hub import apply, chunk, connected, eventually, settled
from tests.tools.servers import NatsServer, everything, free_port

HELLO = Hello(driver="ada", session="test", run=1, at_ns=2)
ASK = Ask(driver="ada", session="test", run=1)


async def test_events_reach_who_listens_decoded_or_as_they_are(nats_server: NatsServer) -> None:
    heard: list[Hello] = []
    raw: list[tuple[str, bytes]] = []

    async def hear(hello: Hello) -> None:
        heard.append(hello)

    async with connected(nats_server.url) as driver, connected(nats_server.url, "gateway") as wall:
        await driver.listen("link.hello", hear, driver="ada")
        await wall.listen_raw("link.hello", lambda subject, payload: raw.append((subject, payload)))
        await settled(driver)
        await settled(wall)
        await driver.publish("link.hello", HELLO)
        await driver.publish("link.hello", HELLO, driver="bea")

        async def both() -> bool:
            return len(raw) == 2 and bool(heard)

        await eventually(both, "hellos")
    assert heard == [HELLO]
    assert [subject for subject, _ in raw] == ["hello.ada", "hello.bea"]


async def test_a_question_is_answered_or_nobody_is_there(nats_server: NatsServer) -> None:
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


async def test_an_event_on_a_subject_of_others_is_neither_heard_nor_answered(
    nats_server: NatsServer,
) -> None:
    heard: list[int] = []

    async def hear(event: Hello | Ask) -> None:
        heard.append(event.run)

    async with connected(nats_server.url) as driver, connected(nats_server.url, "gateway") as wall:
        await wall.listen("link.hello", hear)
        await settled(wall)
        await driver.publish("link.hello", HELLO, driver="eve")
        await driver.publish("link.hello", Hello(driver="ada", session="test", run=3, at_ns=2))

        async def one() -> bool:
            return bool(heard)

        await eventually(one, "the hello that is right")
    assert heard == [3]


async def test_a_service_says_and_hears_only_what_it_declares(nats_server: NatsServer) -> None:
    async with connected(nats_server.url, "timing") as timing:
        with pytest.raises(TopologyError, match=r"timing does not declare that it writes link\."):
            await timing.publish("link.hello", HELLO)
        with pytest.raises(TopologyError, match=r"timing does not declare that it reads link\."):
            await timing.listen_raw("link.hello", lambda *_: None)


async def test_nothing_is_kept_for_later_while_the_server_is_away(nats_server: NatsServer) -> None:
    async with connected(nats_server.url) as driver:
        nats_server.kill()

        async def away() -> bool:
            return not driver.up.is_set()

        await eventually(away, "the loss is noticed")
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


async def test_a_server_that_went_silent_is_noticed(nats_server: NatsServer) -> None:
    async with connected(nats_server.url, ping_interval_s=0.2) as driver:
        nats_server.send(signal.SIGSTOP)

        async def lost() -> bool:
            return not driver.up.is_set()

        await eventually(lost, "the silence is noticed")
        assert not await driver.alive(timeout_s=0.2)
        nats_server.send(signal.SIGCONT)
        await eventually(driver.alive, "the server is back")


@pytest.mark.parametrize("trouble", ["nobody", "silent"])
async def test_a_first_connection_may_be_given_up(nats_server: NatsServer, trouble: str) -> None:
    url = nats_server.url if trouble == "silent" else f"nats://me:s3cr3t@127.0.0.1:{free_port()}"
    server = Nats(url=url, credentials=str(everything(nats_server.url)))
    nats_server.send(signal.SIGSTOP)
    with capture_logs() as logs, pytest.raises(BusDown, match="cannot reach nats-server") as raised:
        await Bus.connect(server, "drive", topology.load(), forever=False)
    nats_server.send(signal.SIGCONT)
    assert "s3cr3t" not in f"{raised.value} {logs}"


async def test_an_event_that_does_not_decode_is_counted_and_the_next_one_heard(
    nats_server: NatsServer,
) -> None:
    heard: list[Hello] = []

    async def hear(hello: Hello) -> None:
        heard.append(hello)

    def count() -> float:
        value: float = metrics.decode_errors.labels("link.hello")._value.get()
        return value

    before = count()
    async with connected(nats_server.url) as driver:
        await driver.listen("link.hello", hear)
        await settled(driver)
        for payload in (b"\xc1", b"", b"\x91" * 5000):
            await driver.client.publish("hello.ada", payload)
        await driver.publish("link.hello", HELLO)

        async def well() -> bool:
            return heard == [HELLO]

        await eventually(well, "the good one")
    assert count() == before + 3


async def test_a_listener_that_fails_is_logged(nats_server: NatsServer) -> None:
    async def fail(_: Hello) -> None:
        raise ZeroDivisionError("my mistake")

    async with connected(nats_server.url) as driver:
        await driver.listen("link.hello", fail)
        with capture_logs() as logs:
            await driver.publish("link.hello", HELLO)

            async def logged() -> bool:
                return any("my mistake" in str(line) for line in logs)

            await eventually(logged, "the failure is logged")
    assert logs[0]["log_level"] == "error"


async def test_closing_sends_what_was_published(nats_server: NatsServer) -> None:
    await apply(nats_server.url)
    async with connected(nats_server.url) as driver:
        for number in range(500):
            await driver.publish("telemetry.live", chunk(number))
    async with connected(nats_server.url) as driver:

        async def all_stored() -> bool:
            return (await driver.jetstream.stream_info("TELEMETRY")).state.messages == 500

        await eventually(all_stored, "every chunk")
