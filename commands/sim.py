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
    consistency: float = 0.95,
    car_model: str = "Harrier GT3",
    noise: bool = False,
    laps: int | None = None,
    mistake: list[str] | None = None,
    hindrance: list[str] | None = None,
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
    consistency
        0 to 1; a club driver has 0.7 to 0.8
    car_model
        Harrier GT3, Merlin F3 or Wren Cup
    noise
        measure with real instruments: rounded speed, lagging pedals, lost frames
    laps
        number of flying laps; none: endless, or 3 with --json
    mistake
        a mistake to make: lap, turn, kind and size in m (brakes-early, late-throttle, off-track,
        too-fast-in, lock-up, wide, lift, early-throttle) or m/s (slow-minimum, slow-arc,
        second-brake, spin); may be repeated
    hindrance
        a part of a lap on which the car is slower: lap, from_m, until_m, kind (traffic, yellow,
        blue) and slower, a share of the speed; may be repeated
    to
        destination, host:port
    speed
        factor to real time
    json
        send nothing; print the laps, the effect and cost of each mistake, and by turn the seconds
        lost against the driver's habit
    """
    from producers.sources.sim import Race, hindrances, mistakes

    try:
        race = Race(
            track=track,
            car=car,
            car_model=car_model,
            seed=seed,
            skill=skill,
            consistency=consistency,
            noise=noise,
            laps=laps,
            mistakes=tuple(map(mistakes.parse, mistake or ())),
            hindrances=tuple(map(hindrances.parse, hindrance or ())),
        )
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

    asked = [mistake.lap for mistake in race.mistakes]
    asked += [hindrance.lap for hindrance in race.hindrances]
    return driven_laps(race, race.laps or max(LAPS_TOLD, *asked, 0))


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
