"""FastStream in batches of 500: COPY into a temporary table, insert the new rows, acknowledge."""

import asyncio

import asyncpg
import msgspec
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub

from tests.bench.peers.stopwatch import COLUMNS, TABLE, Stopwatch, arguments


async def main() -> None:
    """Consume until all frames are stored."""
    options = arguments()
    watch = Stopwatch(options.frames)
    connection = await asyncpg.connect(options.postgres)
    await connection.execute(f"create temp table arriving (like {TABLE}) on commit delete rows")
    broker = NatsBroker(options.nats)
    stream = JStream("PEERS", declare=False)
    decode = msgspec.msgpack.Decoder(tuple).decode

    def decoder(message: NatsMessage) -> list[tuple[float, ...]]:
        return [decode(body) for body in message.body]

    @broker.subscriber(
        "peers.frames",
        stream=stream,
        durable="batches",
        pull_sub=PullSub(batch_size=500, batch=True),
        decoder=decoder,
    )
    async def store(rows: list[tuple[float, ...]]) -> None:
        watch.begin()
        async with connection.transaction():
            await connection.copy_records_to_table("arriving", records=rows, columns=COLUMNS)
            await connection.execute(
                f"insert into {TABLE} select * from arriving on conflict do nothing"
            )
        watch.committed(len(rows))

    await broker.start()
    await asyncio.Event().wait()


asyncio.run(main())
