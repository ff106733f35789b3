"""Who gets which frames: pure, and as cheap as the number of distinct choices.

A chunk that nobody watches is never unpacked; one that is watched is unpacked once, and encoded
once for all clients that chose the same channels.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import Final, Generic, TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from pitbox.chunks.arrays import unpack
from pitbox.chunks.frames import channel_ids
from schemas.channels import CHANNEL_BY_NAME, CHANNELS
from schemas.telemetry import Chunk
from schemas.timing import Lap, Timing
from schemas.wall import Frames, Subscribe

MAX_PLANS: Final = 4096
NAMES: Final = {channel.id: channel.name for channel in CHANNELS}

Client = TypeVar("Client", bound=Hashable)

encode: Final = msgspec.msgpack.Encoder().encode


class Choice(Struct, frozen=True):
    """What a client sees: a session, its drivers (none: all), and channels by id, in order.

    Drivers who did not consent are `hidden`, chosen or not. Then no laps of other cars that a
    driver saw are shown either, for nobody can tell for sure that they are not of one who hides.
    """

    session: str
    drivers: frozenset[str]
    channels: tuple[int, ...]
    hidden: frozenset[str] = frozenset()

    def shows(self, driver: str) -> bool:
        """Tell whether a driver of the session is chosen."""
        return driver not in self.hidden and (not self.drivers or driver in self.drivers)

    def tells(self, fact: Timing) -> bool:
        """Tell whether a fact of the session is chosen, and for them."""
        others = isinstance(fact, Lap) and not fact.own
        return self.shows(fact.driver) and not (others and self.hidden)


def choice(wish: Subscribe) -> Choice:
    """Return what a client asks for; raises ValueError naming a channel that does not exist."""
    unknown = [name for name in wish.channels if name not in CHANNEL_BY_NAME]
    if unknown:
        raise ValueError(f"channels: there is no {unknown[0]!r}; GET /api/v1/channels lists them")
    chosen = dict.fromkeys(CHANNEL_BY_NAME[name].id for name in wish.channels)
    return Choice(wish.session, frozenset(wish.drivers), tuple(chosen))


class Fanout(Generic[Client]):
    """Hold what clients chose and say who gets what."""

    def __init__(self) -> None:
        self._choices: dict[Client, Choice] = {}
        self._plans: dict[tuple[str, str], dict[tuple[int, ...], list[Client]]] = {}

    def choose(self, client: Client, chosen: Choice) -> None:
        """Set what a client sees, instead of its choice before."""
        self._choices[client] = chosen
        self._plans.clear()

    def chosen(self, client: Client) -> Choice | None:
        """Return what a client sees, None before it chose."""
        return self._choices.get(client)

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._choices.pop(client, None)
        self._plans.clear()

    @property
    def sessions(self) -> frozenset[str]:
        """Return the sessions that somebody watches."""
        return frozenset(chosen.session for chosen in self._choices.values())

    def watchers(self, session: str, driver: str) -> Iterable[Client]:
        """Return the clients that see a driver of a session."""
        return [client for group in self._plan(session, driver).values() for client in group]

    def told(self, fact: Timing) -> Iterable[Client]:
        """Return the clients that are told of a fact."""
        watching = self.watchers(fact.session, fact.driver)
        return [client for client in watching if self._choices[client].tells(fact)]

    def frames(self, chunk: Chunk, *, late: bool) -> list[tuple[bytes, list[Client]]]:
        """Return messages with those who get them; raises CorruptChunkError."""
        plan = self._plan(chunk.session, chunk.driver)
        if not plan or not chunk.frames:
            return []
        times, rows = unpack(chunk)
        given = channel_ids(chunk.channels)
        messages = []
        for channels, clients in plan.items():
            names, places = _columns(given, channels)
            message = Frames(
                session=chunk.session,
                driver=chunk.driver,
                run=chunk.run,
                chunk=chunk.chunk,
                first_frame=chunk.first_frame,
                channels=names,
                times=times.tobytes(),
                rows=rows.take(places, axis=1).tobytes(),
                late=late,
            )
            messages.append((encode(message), clients))
        return messages

    def _plan(self, session: str, driver: str) -> dict[tuple[int, ...], list[Client]]:
        """Return the clients that see a driver, by the channels they chose."""
        plan = self._plans.get((session, driver))
        if plan is None:
            groups: dict[tuple[int, ...], list[Client]] = defaultdict(list)
            for client, chosen in self._choices.items():
                if chosen.session == session and chosen.shows(driver):
                    groups[chosen.channels].append(client)
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            plan = self._plans[session, driver] = dict(groups)
        return plan


@lru_cache(maxsize=1024)
def _columns(
    given: tuple[int, ...], channels: tuple[int, ...]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of those chosen channels that are given, and where they stand."""
    found = [channel for channel in channels if channel in given]
    places = np.array([given.index(channel) for channel in found], dtype=np.intp)
    return tuple(NAMES[channel] for channel in found), places
