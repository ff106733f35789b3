"""FastStream, a message at a time: insert it, acknowledge it."""

import asyncio

import asyncpg
import msgspec
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub

from tests.bench.peers.stopwatch import COLUMNS, TABLE, Stopwatch, arguments


async def main() -> None:
    """Consume until all frames are stored."""
    options = arguments()
    watch = Stopwatch(options.frames)
    pool = await asyncpg.create_pool(options.postgres, min_size=1, max_size=1)
    marks = ", ".join(f"${place + 1}" for place in range(len(COLUMNS)))
    insert = f"insert into {TABLE} values ({marks}) on conflict do nothing"
    broker = NatsBroker(options.nats)
    stream = JStream("PEERS", declare=False)

    @broker.subscriber(
        "peers.frames", stream=stream, durable="one", pull_sub=PullSub(batch_size=500)
    )
    async def store(message: NatsMessage) -> None:
        watch.begin()
        await pool.execute(insert, *msgspec.msgpack.decode(message.body))
        watch.committed(1)

    await broker.start()
    await asyncio.Event().wait()


asyncio.run(main())
