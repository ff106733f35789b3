"""Messages of the other streams become facts, each written once however often it comes."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from consumers.persister import CONSUMER, facts
from pitbox.nats.delivery import Delivery
from pitbox.postgres.connection import Connection
from pitbox.postgres.errors import Refused
from pitbox.service.dead import letter_of
from schemas.dead import DeadLetter
from schemas.registry import UNDECODABLE


class Notices(Struct):
    """Collect facts with the messages that told them."""

    told: list[tuple[Delivery, facts.Fact]] = []
    letters: list[DeadLetter] = []
    deliveries: list[Delivery] = []
    bytes: int = 0


def take(decode: Callable[[bytes], Any], delivery: Delivery, notices: Notices) -> None:
    """Add a message, if need be as a dead letter."""
    notices.deliveries.append(delivery)
    notices.bytes += len(delivery.payload)
    try:
        notices.told.append((delivery, decode(delivery.payload)))
    except UNDECODABLE as error:
        notices.letters.append(letter_of(CONSUMER, delivery, f"{type(error).__name__}: {error}"))


async def commit(connection: Connection, notices: Notices) -> list[DeadLetter]:
    """Write all in one transaction and return the dead letters among it.

    What Postgres refuses, such as a number that no column holds, becomes a dead letter and the rest
    goes in. Raises PostgresDown when nothing is known to be written.
    """
    await connection.ready()
    try:
        async with connection.transaction() as writer:
            await facts.write(writer, [fact for _, fact in notices.told])
            await facts.write(writer, notices.letters)
    except Refused:
        return notices.letters + await _one_by_one(connection, notices)
    return notices.letters


async def _one_by_one(connection: Connection, notices: Notices) -> list[DeadLetter]:
    refused = []
    for delivery, fact in notices.told:
        await connection.ready()
        try:
            async with connection.transaction() as writer:
                await facts.write(writer, [fact])
        except Refused as error:
            refused.append(letter_of(CONSUMER, delivery, f"Refused: {error}"))
    await connection.ready()
    async with connection.transaction() as writer:
        await facts.write(writer, [*notices.letters, *refused])
    return refused
