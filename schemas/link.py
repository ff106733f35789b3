"""Messages between producer and persister beside the stream (core NATS, nothing is stored)."""

from msgspec import Struct

from schemas.telemetry import ChunkNumber, Number, Range, Token


class Receipt(Struct, frozen=True, kw_only=True, tag="link.receipt"):
    """State which chunks of a run Postgres has.

    Of chunks `0..upto` Postgres has all but the `missing` ranges (64 at most; `upto` ends before
    the 65th). `through` is the highest number with nothing missing up to it, -1 for none. `echo` is
    the highest send number committed, `made` the number in the last mark (-1 before one). `dead`
    counts chunks that came and could not be used, `refused` are their first 64 ranges, `gone` those
    of the chunks that marks declared gone. `boot` names a start of the persister and of its
    Postgres: with another one, earlier receipts of any run may be outdated. A receipt may state
    fewer chunks than the one before it; the newer one counts.

    `deleted` is the highest run of the driver in the session that was deleted for good, -1 for
    none. From a receipt of such a run the spool learns to delete its chunks too.
    """

    session: Token
    driver: Token
    run: Number
    through: int
    upto: int
    missing: tuple[Range, ...]
    echo: int
    made: int
    boot: str
    hub_ns: int
    dead: int = 0
    refused: tuple[Range, ...] = ()
    gone: tuple[Range, ...] = ()
    deleted: int = -1


class Ask(Struct, frozen=True, kw_only=True, tag="link.ask"):
    """Request the receipt of a run; the reply carries the hub's clock."""

    session: Token
    driver: Token
    run: Number


class Hello(Struct, frozen=True, kw_only=True, tag="link.hello"):
    """Announce the live run of a driver, every two seconds.

    A producer that receives a higher run of its own driver stops sending live. `offset_ns` is hub
    clock minus driver clock, None until measured; `made` and `waiting` count chunks of the spool.
    `kept` is False while the PC's disk keeps no chunks: those that do not arrive live are lost.
    """

    driver: Token
    session: Token
    run: Number
    at_ns: int
    made: ChunkNumber = 0
    waiting: int = 0
    offset_ns: int | None = None
    rtt_ns: int | None = None
    kept: bool = True
