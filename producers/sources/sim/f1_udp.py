"""Send simulated cars as the packets of an F1 game."""

import asyncio
import secrets
import socket

from producers.source import SourceError
from producers.sources.f1.encode import Encoder
from producers.sources.sim.pacing import observations
from producers.sources.sim.race import Race


async def send(race: Race, host: str, port: int, speed: float = 1.0) -> int:
    """Drive a race and send its packets when they are due; return how many were sent.

    A listener is not needed. Raises ValueError when the race cannot be driven, SourceError when
    sending to the address fails.
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
    """Resolve a name to its IPv4 address."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, family=socket.AF_INET, type=socket.SOCK_DGRAM
    )
    return str(found[0][4][0]), port
