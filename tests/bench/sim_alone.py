"""Run a simulated car and discard its observations."""

import asyncio

from producers.sources import sim


async def main() -> None:
    """Drive until killed."""
    async for _ in sim.observations(sim.Race()):
        pass


asyncio.run(main())
