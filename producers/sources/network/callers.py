"""Ask games for their telemetry, and ask again when they fall silent."""

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
"""The console stops ten seconds after the last one; two may get lost."""

PATIENCE: Final = 3
"""Answers of no known kind before another kind is asked for."""

HANDSHAKE_S: Final = 2.0
SILENCE_S: Final = 5.0
SUBSCRIPTIONS: Final = (SUBSCRIBE_UPDATE, SUBSCRIBE_SPOT)


class Heartbeat:
    """Keep a console sending; the letter of a heartbeat is the kind of packet it asks for.

    An older game answers a letter that it does not know with something short, and is asked for the
    next kind. Silence says nothing: most often the game does not run yet.
    """

    def __init__(self, console: Address, letters: str, every_s: float = HEARTBEAT_S) -> None:
        self._console = console
        self._letters = cycle(letters)
        self._letter = next(self._letters)
        self._refusals = 0
        self._every_s = every_s

    def heard(self, datagram: bytes) -> None:
        """Notice what the console answers."""
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
    """Keep Assetto Corsa sending: shake hands, subscribe, and do it again after silence.

    Each subscription needs a socket of its own. Lap events are rare, so only car info can be missed
    by its silence; the game's restart ends both.
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
        self._heard_s = float("-inf")
        self._send: Send | None = None

    def heard(self, datagram: bytes) -> None:
        """Notice what the game sends, and subscribe once it has answered."""
        self._heard_s = time.monotonic()
        if parse_reply(datagram) is not None and self._send is not None:
            self._send(self._request, self._game)

    async def run(self, send: Send) -> None:
        """Shake hands whenever the game is silent, until cancelled."""
        self._send = send
        while True:
            if time.monotonic() - self._heard_s > self._silence_s:
                send(HANDSHAKE, self._game)
            await asyncio.sleep(self._every_s)

    def dismiss(self, send: Send) -> None:
        """Take leave, so that the game sends no more."""
        send(DISMISS, self._game)
