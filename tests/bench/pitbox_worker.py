"""The unmodified persister, measured as the peers are."""

import asyncio

from prometheus_client import Counter

from consumers.persister.metrics import frames
from consumers.persister.service import service as persister
from pitbox import metrics
from pitbox.service.lifetime import loop_factory, serve
from pitbox.settings import Nats, Postgres, Settings
from tests.bench.peers.stopwatch import Stopwatch, arguments

POLL_S = 0.01


async def main() -> None:
    """Consume until all frames are stored."""
    options = arguments()
    watch = Stopwatch(options.frames)
    settings = Settings(
        nats=Nats(url=options.nats, credentials=options.credentials),
        postgres=Postgres(url=options.postgres),
    )
    read = metrics.messages.labels(consumer="persister", stream="TELEMETRY")
    running = asyncio.create_task(serve(persister(settings), asyncio.Event()))
    counted = 0
    while not running.done():
        await asyncio.sleep(POLL_S)
        if _count(read):
            watch.begin()
        stored = _count(frames)
        watch.committed(stored - counted)
        counted = stored
    await running


def _count(counter: Counter) -> int:
    """Return a counter's value by itself: to collect the registry reads /proc each time."""
    (family,) = counter.collect()
    return int(family.samples[0].value)


with asyncio.Runner(loop_factory=loop_factory()) as runner:
    runner.run(main())
