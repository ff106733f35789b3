"""Decide which connection ends when a limit of connections is reached: pure.

A connection waits while it has not sent a whole request: in its TLS handshake, in a slow head or
body, and idle between two requests. Above a limit the address with the most loses its oldest.
"""

from collections import Counter
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

from msgspec import Struct

REQUEST_S: Final = 10.0
READ_S: Final = 20.0
MAX_CONNECTIONS: Final = 1024
MAX_OF_ADDRESS: Final = 256
MAX_WAITING: Final = 512
MAX_WAITING_OF_ADDRESS: Final = 64

Connection = TypeVar("Connection", bound=Hashable)


class Limits(Struct, frozen=True):
    """Bound the connections in sum and per address, and how long each may make no progress.

    `request_s`: for a TLS handshake and for a whole request, which is at most a few kB.
    `read_s`: for a client that takes nothing of its answer.
    `waiting`: connections that have not sent a whole request.
    """

    request_s: float = REQUEST_S
    read_s: float = READ_S
    connections: int = MAX_CONNECTIONS
    connections_of_address: int = MAX_OF_ADDRESS
    waiting: int = MAX_WAITING
    waiting_of_address: int = MAX_WAITING_OF_ADDRESS


class Connections(Generic[Connection]):
    """Hold every open connection with its address, the oldest first."""

    def __init__(self, limits: Limits, *, by_address: bool) -> None:
        """Take the limits; those per address hold only where each client has its own address."""
        self._limits = limits
        self._by_address = by_address
        self._open: dict[Connection, str] = {}
        self._waiting: dict[Connection, None] = {}
        self._open_of: Counter[str] = Counter()
        self._waiting_of: Counter[str] = Counter()

    def add(self, connection: Connection, address: str) -> Connection | None:
        """Add a connection, which waits; return the one that has to end, None within the limits."""
        self._open[connection] = address
        self._open_of[address] += 1
        self.wait(connection)
        surplus = self._surplus(address)
        if surplus is not None:
            self.remove(surplus)
        return surplus

    def wait(self, connection: Connection) -> None:
        """Note that a connection waits for a request."""
        if connection in self._open and connection not in self._waiting:
            self._waiting[connection] = None
            self._waiting_of[self._open[connection]] += 1

    def answer(self, connection: Connection) -> None:
        """Note that a connection has sent a whole request."""
        if connection in self._waiting:
            del self._waiting[connection]
            self._subtract(self._waiting_of, self._open[connection])

    def remove(self, connection: Connection) -> None:
        """Remove a connection that has ended; unknown ones are ignored."""
        if connection in self._open:
            self.answer(connection)
            self._subtract(self._open_of, self._open.pop(connection))

    def _surplus(self, address: str) -> Connection | None:
        limits = self._limits
        if self._by_address:
            if self._waiting_of[address] > limits.waiting_of_address:
                return self._oldest(address)
            if self._open_of[address] > limits.connections_of_address:
                return self._oldest(address)
        if len(self._waiting) > limits.waiting:
            return self._oldest(_most(self._waiting_of))
        if len(self._open) > limits.connections:
            return self._oldest(_most(self._open_of))
        return None

    def _oldest(self, address: str) -> Connection:
        """Return the oldest connection of an address, first of those that wait."""
        held = self._waiting if self._waiting_of[address] else self._open
        return next(one for one in held if self._open[one] == address)

    @staticmethod
    def _subtract(counts: Counter[str], address: str) -> None:
        counts[address] -= 1
        if not counts[address]:
            del counts[address]


def _most(counts: Counter[str]) -> str:
    return max(counts, key=counts.__getitem__)
