"""Dead letters: list and show them, and publish them again."""

import string
import sys
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter
from msgspec import Struct

from commands import bus, database
from commands.cli import CommandError
from commands.terminal import plain
from pitbox.nats.bus import Bus, BusDown

# The first characters of this hash name a letter; its key has four columns.
NAME: Final = "md5(concat_ws('/', consumer, stream, sequence, at_ns))"
SHORT: Final = 8
SHOWN_BYTES: Final = 512

LIST: Final = f"""
select left({NAME}, {SHORT}) as name, kept, consumer, stream, sequence, subject, reason, tries,
    length(payload) as bytes
from dead_letter where $1 = '' or consumer = $1 order by kept desc, sequence desc limit $2
"""
FIND: Final = f"select * from dead_letter where starts_with({NAME}, $1)"
ALL: Final = "select * from dead_letter where $1 = '' or consumer = $1 order by kept, sequence"
FORGET: Final = """
delete from dead_letter using unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
    as sent (consumer, stream, sequence, at_ns)
where (dead_letter.consumer, dead_letter.stream, dead_letter.sequence, dead_letter.at_ns)
    = (sent.consumer, sent.stream, sent.sequence, sent.at_ns)
"""
KEYS: Final = ("consumer", "stream", "sequence", "at_ns")


class Letter(Struct, frozen=True):
    """Describe a message that a consumer gave up on, and the reason."""

    name: str
    kept: datetime
    consumer: str
    stream: str
    sequence: int
    subject: str
    reason: str
    tries: int
    bytes: int


def list_letters(*, consumer: str = "", limit: database.AtMost = 50, json: bool = False) -> None:
    """List dead letters, the latest first.

    Example: pitbox dead list --consumer persister

    Parameters
    ----------
    consumer
        only dead letters of this consumer
    limit
        the largest number to list
    json
        print a list of objects
    """
    found = [Letter(**row) for row in database.fetch(LIST, consumer, limit + 1)]
    letters = found[:limit]
    if len(found) > limit:
        print(f"older ones are left out: pitbox dead list --limit {2 * limit}", file=sys.stderr)
    if json:
        print(msgspec.json.encode(letters).decode())
        return
    for letter in letters:
        where = f"{letter.consumer} {letter.stream}/{letter.sequence} {letter.subject}"
        print(f"{letter.name}  {letter.kept:%Y-%m-%d %H:%M:%S}  {plain(where)}")
        print(f"    {plain(letter.reason)}")
    if not letters:
        print("no dead letters")


def show(name: str, /, *, raw: bool = False) -> None:
    """Show one dead letter and the reason.

    Example: pitbox dead show 3f2a91c0

    Parameters
    ----------
    name
        its name in the list, or the first characters of it
    raw
        print only the bytes of the message
    """
    row = _find(name)
    payload: bytes = row["payload"]
    if raw:
        sys.stdout.buffer.write(payload)
        return
    for field in ("consumer", "stream", "sequence", "subject", "tries", "kept", "reason"):
        print(f"{field:9} {plain(str(row[field]))}")
    print(f"bytes     {len(payload)}\n{plain(_readable(payload))}")


def retry(
    *names: str, all_: Annotated[bool, Parameter(name="--all")] = False, consumer: str = ""
) -> None:
    """Publish dead letters again, unchanged, and delete those that their stream has stored.

    Every consumer of the stream receives them again and ignores what it has already. A message
    that is still unusable becomes a dead letter again.

    Example: pitbox dead retry 3f2a91c0

    Parameters
    ----------
    names
        names in the list, or the first characters of them
    all_
        all of them
    consumer
        with --all, only those that this consumer gave up on
    """
    if bool(names) == all_:
        raise CommandError("give names of dead letters, or --all")
    rows = database.fetch(ALL, consumer) if all_ else [_find(name) for name in names]
    sent: list[Any] = []

    async def send(connected: Bus) -> None:
        try:
            for row in rows:
                await connected.store_again(row["subject"], row["payload"])
                sent.append(row)
        except BusDown as error:
            raise CommandError(
                f"{len(sent)} of {len(rows)} published again, then: {error}"
            ) from None

    try:
        bus.run(send)
    finally:
        database.fetch(FORGET, *([row[key] for row in sent] for key in KEYS))
    print(f"{len(sent)} published again")


def _find(name: str) -> Any:
    if not name or set(name) - set(string.hexdigits):
        raise CommandError(f"{name!r} is not a name of a dead letter: see `pitbox dead list`")
    rows = database.fetch(FIND, name.lower())
    if len(rows) != 1:
        found = "no dead letter begins" if not rows else f"{len(rows)} dead letters begin"
        raise CommandError(f"{found} with {name}: see `pitbox dead list`")
    return rows[0]


def _readable(payload: bytes) -> str:
    """Return the first bytes as JSON, or as hexadecimal digits when they are not msgpack."""
    try:
        decoded = msgspec.msgpack.decode(payload)
        return msgspec.json.encode(decoded).decode()[:SHOWN_BYTES]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, TypeError):
        return payload[:SHOWN_BYTES].hex(" ")
