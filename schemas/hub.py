"""The state of the hub's own servers."""

from msgspec import Struct


class Probe(Struct, frozen=True, kw_only=True, tag="store.probe"):
    """Prove by its acknowledgement that nats-server stores.

    `by` is the program that asks, `at_ns` when it did (ns since 1970). `filler` makes it larger
    than a block of a disk: a smaller one may fit into the last block of a disk that is full.
    """

    by: str
    at_ns: int
    filler: bytes = b""


class HubState(Struct, frozen=True, kw_only=True, tag="hub.state"):
    """State whether the hub stores, every three seconds, by the program that runs its servers.

    `nats_refuses` and `postgres_refuses` are True while the server runs and stores nothing.
    `low_room` is True while a volume of theirs is nearly full; `free_bytes` is the free room of the
    fullest one. `at_ns` is the hub's clock, ns since 1970.
    """

    at_ns: int
    nats_refuses: bool = False
    postgres_refuses: bool = False
    low_room: bool = False
    free_bytes: int = 0
