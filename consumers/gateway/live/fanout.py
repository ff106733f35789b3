"""Select the clients of each chunk and encode its frames for them: pure.

The cost grows with the number of distinct channel selections, not with the number of clients. A
chunk without watchers is never unpacked. A watched chunk is unpacked once, and encoded once per
selection of channels.
"""

import struct
from collections import defaultdict
from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import Final, Generic, TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from consumers.gateway.live.race import RaceEvent, race_messages
from consumers.gateway.live.table import Entry
from pitbox.chunks.events import known_events
from pitbox.chunks.frames import channel_ids, content
from schemas.channels import CHANNEL_BY_NAME, CHANNELS
from schemas.telemetry import Chunk
from schemas.wall import Frames, Subscribe

MAX_PLANS: Final = 4096
NAMES: Final = {channel.id: channel.name for channel in CHANNELS}

Client = TypeVar("Client", bound=Hashable)

encode: Final = msgspec.msgpack.Encoder().encode
_race: Final = msgspec.msgpack.Decoder[RaceEvent](RaceEvent)


class Choice(Struct, frozen=True):
    """Hold a client's selection: a session, its drivers (empty: all), channel ids in order.

    Drivers in `hidden` are never shown, selected or not. While any driver is hidden, facts that may
    concern other drivers than their own are not shown either: they may be about the hidden one.
    """

    session: str
    drivers: frozenset[str]
    channels: tuple[int, ...]
    hidden: frozenset[str] = frozenset()

    def shows(self, driver: str) -> bool:
        """Return whether a driver of the session is selected and not hidden."""
        return driver not in self.hidden and (not self.drivers or driver in self.drivers)

    def includes(self, entry: Entry) -> bool:
        """Return whether a fact of the session is selected and not hidden."""
        return self.shows(entry.fact.driver) and not (entry.shows_others and self.hidden)


def choice(wish: Subscribe) -> Choice:
    """Return the selection of a Subscribe message; raises ValueError naming an unknown channel."""
    unknown = [name for name in wish.channels if name not in CHANNEL_BY_NAME]
    if unknown:
        raise ValueError(f"channels: no channel {unknown[0]!r}: GET /api/v1/channels lists them")
    chosen = dict.fromkeys(CHANNEL_BY_NAME[name].id for name in wish.channels)
    return Choice(wish.session, frozenset(wish.drivers), tuple(chosen))


class Fanout(Generic[Client]):
    """Hold the selection of every client and find the clients of a chunk or fact."""

    def __init__(self) -> None:
        self._choices: dict[Client, Choice] = {}
        self._plans: dict[tuple[str, str], dict[tuple[int, ...], list[Client]]] = {}

    def choose(self, client: Client, chosen: Choice) -> None:
        """Set a client's selection, replacing the previous one."""
        self._choices[client] = chosen
        self._plans.clear()

    def chosen(self, client: Client) -> Choice | None:
        """Return a client's selection, None before its first one."""
        return self._choices.get(client)

    def leave(self, client: Client) -> None:
        """Remove a client."""
        self._choices.pop(client, None)
        self._plans.clear()

    @property
    def sessions(self) -> frozenset[str]:
        """Return the sessions that at least one client has selected."""
        return frozenset(chosen.session for chosen in self._choices.values())

    def watchers(self, session: str, driver: str) -> Iterable[Client]:
        """Return the clients that are shown a driver of a session."""
        return [client for group in self._plan(session, driver).values() for client in group]

    def receivers(self, entry: Entry) -> Iterable[Client]:
        """Return the clients that receive a fact."""
        watching = self.watchers(entry.fact.session, entry.fact.driver)
        if not entry.shows_others:
            return watching
        return [client for client in watching if self._choices[client].includes(entry)]

    def frames(self, chunk: Chunk, *, late: bool) -> list[tuple[bytes, list[Client]]]:
        """Return encoded `Frames` messages, each with its clients; raises CorruptChunkError."""
        plan = self._plan(chunk.session, chunk.driver)
        if not plan or not chunk.frames:
            return []
        raw = content(chunk)
        times = _times_ms(raw, chunk.frames, chunk.captured_ns)
        rows = np.frombuffer(raw, "<f4", offset=4 * chunk.frames).reshape(chunk.frames, -1)
        messages = []
        for channels, clients in plan.items():
            names, places = _columns(chunk.channels, channels)
            message = Frames(
                session=chunk.session,
                driver=chunk.driver,
                run=chunk.run,
                chunk=chunk.chunk,
                first_frame=chunk.first_frame,
                channels=names,
                times=times,
                rows=rows.take(places, axis=1).tobytes(),
                late=late,
            )
            messages.append((encode(message), clients))
        return messages

    def cars(self, chunk: Chunk) -> list[tuple[bytes, list[Client]]]:
        """Return encoded messages about the race around a driver, each with its clients.

        Clients from which any driver is hidden get the own car only: another may be the hidden
        driver's. Raises CorruptChunkError.
        """
        watching = self.watchers(chunk.session, chunk.driver) if chunk.observed else ()
        groups = defaultdict[bool, list[Client]](list)
        for client in watching:
            groups[bool(self._choices[client].hidden)].append(client)
        if not groups:
            return []
        events = tuple(known_events(chunk.observed, _race))
        return [
            (encode(message), clients)
            for own_only, clients in groups.items()
            for message in race_messages(chunk, events, own_only=own_only)
        ]

    def _plan(self, session: str, driver: str) -> dict[tuple[int, ...], list[Client]]:
        """Return the clients that are shown a driver, grouped by their selected channels."""
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


def _times_ms(raw: bytes, frames: int, captured_ns: int) -> bytes:
    """Return the frame times of an uncompressed block, float64 ms since 1970."""
    base_ms = captured_ns / 1e6
    # numpy takes twice as long for the few frames of a chunk.
    times_us = struct.unpack_from(f"<{frames}I", raw)
    return struct.pack(f"<{frames}d", *[base_ms + time_us / 1e3 for time_us in times_us])


@lru_cache(maxsize=1024)
def _columns(packed: bytes, channels: tuple[int, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of the selected channels that a chunk has, and their column indices.

    `packed` is the chunk's bitmap of channels.
    """
    given = channel_ids(packed)
    found = [channel for channel in channels if channel in given]
    places = np.array([given.index(channel) for channel in found], dtype=np.intp)
    return tuple(NAMES[channel] for channel in found), places
