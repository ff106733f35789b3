"""An event loop on its own thread, so that a case can be written as plain steps."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

CALL_S: Final = 60.0

Result = TypeVar("Result")


class Background:
    """Run coroutines concurrently with a case."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result], timeout_s: float = CALL_S) -> Result:
        """Wait for a coroutine and return its result; raises TimeoutError naming it."""
        name = getattr(work, "__qualname__", "a call")
        running = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return running.result(timeout_s)
        except TimeoutError as error:
            running.cancel()
            raise TimeoutError(f"{name}: not within {timeout_s:g} s") from error

    def close(self) -> None:
        """Cancel the remaining tasks and end the thread."""
        self.run(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _cancel_all(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
