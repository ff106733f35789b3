"""Request telemetry of games that send it on request only, and repeat the request."""

import asyncio
import time
from collections.abc import Callable
from itertools import cycle
from typing import Final

from producers.sources.assetto.packet import (
    DISMISS,
    HANDSHAKE,
    SUBSCRIBE_SPOT,
    SUBSCRIBE_UPDATE,
    parse_reply,
)
from producers.sources.gt7.packet import KIND_BY_LENGTH
from producers.sources.network.port import Address

Send = Callable[[bytes, Address], None]

HEARTBEAT_S: Final = 4.0
"""The console stops sending ten seconds after the last heartbeat; two in a row may get lost."""

PATIENCE: Final = 3
"""Answers of no known length in a row before another kind is requested."""

HANDSHAKE_S: Final = 2.0
SILENCE_S: Final = 5.0
SUBSCRIPTIONS: Final = (SUBSCRIBE_UPDATE, SUBSCRIBE_SPOT)


class Heartbeat:
    """Keep a console sending; the letter of a heartbeat is the requested kind of packet.

    An older game answers an unknown letter with a short datagram, and gets the next letter. Without
    any answer the letter stays: most often the game does not run yet.
    """

    def __init__(self, console: Address, letters: str, every_s: float = HEARTBEAT_S) -> None:
        self._console = console
        self._letters = cycle(letters)
        self._letter = next(self._letters)
        self._refusals = 0
        self._every_s = every_s

    def on_datagram(self, datagram: bytes) -> None:
        """Note an answer of the console."""
        if len(datagram) in KIND_BY_LENGTH:
            self._refusals = 0
        else:
            self._refusals += 1

    async def run(self, send: Send) -> None:
        """Send heartbeats until cancelled."""
        while True:
            if self._refusals >= PATIENCE:
                self._letter, self._refusals = next(self._letters), 0
            send(self._letter.encode(), self._console)
            await asyncio.sleep(self._every_s)


class Handshake:
    """Keep Assetto Corsa sending: shake hands, subscribe, and repeat both after silence.

    Each subscription needs a socket of its own. A restart of the game ends it. Lap events are rare,
    so their subscription is renewed more often than needed.
    """

    def __init__(
        self,
        game: Address,
        request: bytes,
        every_s: float = HANDSHAKE_S,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._game = game
        self._request = request
        self._every_s = every_s
        self._silence_s = silence_s
        self._received_s = float("-inf")
        self._send: Send | None = None

    def on_datagram(self, datagram: bytes) -> None:
        """Note a datagram of the game; subscribe when it answers the handshake."""
        self._received_s = time.monotonic()
        if parse_reply(datagram) is not None and self._send is not None:
            self._send(self._request, self._game)

    async def run(self, send: Send) -> None:
        """Shake hands whenever the game is silent, until cancelled."""
        self._send = send
        while True:
            if time.monotonic() - self._received_s > self._silence_s:
                send(HANDSHAKE, self._game)
            await asyncio.sleep(self._every_s)

    def dismiss(self, send: Send) -> None:
        """Cancel the subscription, so that the game stops sending."""
        send(DISMISS, self._game)
