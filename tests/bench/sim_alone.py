"""Run a simulated car and discard its observations, in the event loop of the driver app."""

import asyncio

from pitbox.service import lifetime
from producers.sources import sim


async def main() -> None:
    """Drive until killed."""
    async for _ in sim.observations(sim.Race()):
        pass


with asyncio.Runner(loop_factory=lifetime.loop_factory()) as runner:
    runner.run(main())
