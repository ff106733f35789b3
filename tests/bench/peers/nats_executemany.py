"""Plain nats-py: fetch 500, executemany, acknowledge each."""

import asyncpg
import msgspec
import nats
import uvloop

from tests.bench.peers.stopwatch import COLUMNS, TABLE, Stopwatch, arguments


async def main() -> None:
    """Consume until all frames are stored."""
    options = arguments()
    watch = Stopwatch(options.frames)
    connection = await asyncpg.connect(options.postgres)
    marks = ", ".join(f"${place + 1}" for place in range(len(COLUMNS)))
    insert = f"insert into {TABLE} values ({marks}) on conflict do nothing"
    client = await nats.connect(options.nats)
    pull = await client.jetstream().pull_subscribe("peers.frames", "many", stream="PEERS")
    decode = msgspec.msgpack.Decoder(tuple).decode
    while True:
        messages = await pull.fetch(500, timeout=10)
        watch.begin()
        rows = [decode(message.data) for message in messages]
        async with connection.transaction():
            await connection.executemany(insert, rows)
        for message in messages:
            await message.ack()
        watch.committed(len(rows))


uvloop.run(main())
