"""The unmodified persister, measured as the peers are."""

import asyncio

from prometheus_client import REGISTRY

from consumers.persister.service import service as persister
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
    running = asyncio.create_task(serve(persister(settings), asyncio.Event()))
    counted = 0
    while not running.done():
        await asyncio.sleep(POLL_S)
        if _count("pitbox_messages_total", consumer="persister", stream="TELEMETRY"):
            watch.begin()
        stored = _count("pitbox_persister_frames_total")
        watch.committed(stored - counted)
        counted = stored
    await running


def _count(metric: str, **labels: str) -> int:
    return int(REGISTRY.get_sample_value(metric, labels) or 0)


with asyncio.Runner(loop_factory=loop_factory()) as runner:
    runner.run(main())
