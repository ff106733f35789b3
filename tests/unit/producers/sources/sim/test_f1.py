"""Packets of simulated cars are decoded by the real F1 source."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import aclosing, closing

import pytest

from commands.cli import CommandError
from commands.sim import sim
from consumers.timing.replay import laps
from producers.chunker import Chunker, chunks
from producers.source import Began, Frame, Observation, SourceError
from producers.sources.f1.encode import Encoder
from producers.sources.network import udp
from producers.sources.network.recognition import Recogniser
from producers.sources.sim import Mistake, Race, drive, driven_laps
from producers.sources.sim.f1_udp import send
from producers.sources.sim.pacing import timed
from schemas.channels import CHANNELS

RACE = Race(track="pebble-lane", laps=2, mistakes=(Mistake(2, 1, "off-track", 7),))


def through_packets(race: Race) -> Iterator[Observation]:
    """Drive a race and decode its packets, as if they had arrived at once."""
    encoder, recogniser = Encoder(session=77), Recogniser()
    for observation, at_ns in timed(drive(race, 1_700_000_000_000_000_000)):
        for packet in encoder.feed(observation):
            yield from recogniser.feed(packet, at_ns)


@pytest.mark.thorough
def test_laps_decoded_from_packets_are_the_driven_laps() -> None:
    found = laps(chunks(through_packets(RACE), Chunker("ada", 1, chunk_ms=50)))
    by_number = {lap.lap_number: lap for lap in found}
    for driven in driven_laps(RACE, 2):
        lap = by_number[driven.lap_number]
        assert (lap.lap_time_s, lap.valid) == (driven.lap_time_s, driven.valid)
        assert lap.sectors_s == pytest.approx(driven.sectors_s, abs=0.0011)


async def test_packets_are_received_at_the_address_they_are_sent_to() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    items: list[Observation] = []
    source = udp.observations("f1", udp.Where(f1_port=port))
    async with asyncio.timeout(20), aclosing(source) as observations:  # type: ignore[type-var]
        sending = asyncio.create_task(send(RACE, "127.0.0.1", port, speed=5))
        async for observation in observations:
            items.append(observation)
            if len(items) >= 60:
                break
        sending.cancel()
    began = next(o for o in items if isinstance(o, Began))
    names = [CHANNELS[channel].name for channel in began.channels]
    frames = [dict(zip(names, o.values, strict=True)) for o in items if isinstance(o, Frame)]
    assert began.opened.source == "f1"
    assert frames[-1]["session_time"] > frames[0]["session_time"]
    assert 40 < frames[-1]["speed"] < 80


async def test_the_error_for_an_unreachable_address_names_it() -> None:
    with pytest.raises(SourceError, match=r"cannot send to 255\.255\.255\.255:20777"):
        await send(RACE, "255.255.255.255", 20777)


def test_the_command_prints_laps_and_the_cost_of_mistakes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sim(track="pebble-lane", mistake=["lap=2,turn=4,kind=brakes-early,size=10"], json=True)
    items = json.loads(capsys.readouterr().out)
    assert [lap["lap_number"] for lap in items] == [1, 2, 3]
    (mistake,) = items[1]["mistakes"]
    assert mistake["corner"] == "Spoon"
    assert mistake["without"]["brakes_m"] - mistake["made"]["brakes_m"] == pytest.approx(
        10, abs=0.2
    )
    assert mistake["cost_s"] > 0.1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"track": "monza"}, "kestrel-vale, pebble-lane"),
        ({"to": "20777"}, "write host:port"),
        ({"mistake": ["turn 4"]}, "lap=3,turn=4,kind=KIND,size=10"),
        ({"speed": 0.0}, "speed 0"),
    ],
)
def test_the_command_names_the_faulty_option(asked: dict[str, object], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        sim(**asked)  # type: ignore[arg-type]
