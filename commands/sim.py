"""Simulate a car: as an F1 game on the network, or to measure the cost of mistakes."""

import asyncio
import re
from typing import TYPE_CHECKING, Final

import msgspec

from commands.cli import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from producers.sources.sim import Driven, Race

LAPS_TOLD: Final = 3
ADDRESS: Final = re.compile(r"(?P<host>[^:\s]+):(?P<port>\d{1,5})")


def sim(
    *,
    track: str = "kestrel-vale",
    car: str = "27",
    seed: int = 27,
    skill: float = 0.97,
    laps: int | None = None,
    mistake: list[str] | None = None,
    to: str = "127.0.0.1:20777",
    speed: float = 1.0,
    json: bool = False,
) -> None:
    """Drive a simulated car and send the packets that F1 25 would send.

    Example: pitbox sim --to 127.0.0.1:20777 --mistake lap=3,turn=4,kind=brakes-early,size=10

    Parameters
    ----------
    track
        kestrel-vale (5.8 km) or pebble-lane (1.5 km)
    car
        start number
    seed
        the seed of the random variation of a drive
    skill
        0.5 to 1
    laps
        number of flying laps; none: endless, or 3 with --json
    mistake
        a mistake to make: lap, turn, kind (brakes-early, slow-minimum, late-throttle, off-track)
        and size in m or m/s; may be repeated
    to
        destination, host:port
    speed
        factor to real time
    json
        send nothing; print the laps, and the effect and cost of each mistake
    """
    from producers.sources.sim import Race
    from producers.sources.sim.mistakes import parse

    try:
        asked = tuple(map(parse, mistake or ()))
        race = Race(track=track, car=car, seed=seed, skill=skill, laps=laps, mistakes=asked)
        race.check()
        if json:
            print(msgspec.json.encode(list(_driven(race))).decode())
        else:
            asyncio.run(_send(race, to, speed))
    except ValueError as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        return


def _driven(race: "Race") -> "Iterator[Driven]":
    from producers.sources.sim import driven_laps

    last_mistake = max((mistake.lap for mistake in race.mistakes), default=0)
    return driven_laps(race, race.laps or max(LAPS_TOLD, last_mistake))


async def _send(race: "Race", to: str, speed: float) -> None:
    from producers.source import SourceError
    from producers.sources.sim.f1_udp import send

    address = ADDRESS.fullmatch(to)
    if address is None or not 0 < int(address["port"]) < 65536:
        raise CommandError(f"--to {to}: write host:port, such as 127.0.0.1:20777")
    print(f"car {race.car} drives on {race.track}, and sends to {to} until Ctrl-C", flush=True)
    try:
        await send(race, address["host"], int(address["port"]), speed)
    except SourceError as error:
        raise CommandError(str(error)) from None
