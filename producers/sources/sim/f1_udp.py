"""Simulated cars as the packets of an F1 game, sent where the game would send them."""

import asyncio
import secrets
import socket

from producers.source import SourceError
from producers.sources.f1.encode import Encoder
from producers.sources.sim.pacing import observations
from producers.sources.sim.race import Race


async def send(race: Race, host: str, port: int, speed: float = 1.0) -> int:
    """Drive a race and send its packets as they are due; return how many were sent.

    Nobody has to listen there. Raises ValueError when the race cannot be driven, SourceError when
    nothing can be sent to that address.
    """
    driven = observations(race, speed)
    encoder = Encoder(session=secrets.randbits(63))
    sent = 0
    try:
        address = await _resolve(host, port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            async for observation in driven:
                for packet in encoder.feed(observation):
                    sender.sendto(packet, address)
                    sent += 1
    except OSError as error:
        raise SourceError(f"cannot send to {host}:{port}: {error.strerror}") from None
    return sent


async def _resolve(host: str, port: int) -> tuple[str, int]:
    """Return the numeric address of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, family=socket.AF_INET, type=socket.SOCK_DGRAM
    )
    return str(found[0][4][0]), port
