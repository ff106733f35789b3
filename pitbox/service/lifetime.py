"""The lifecycle of every service: open, work, close, ended by SIGINT or SIGTERM within 5 s."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from pitbox import logs, metrics
from pitbox.nats.bus import BusDown
from pitbox.nats.pull import StalledError
from pitbox.settings import Settings
from pitbox.topology import TopologyError

STOP_S: Final = 5.0
GRACE_S: Final = 2.5

log = logs.get("service")


class Service(Protocol):
    """Open, work until stopped, close; start without peers and wait for them."""

    name: str

    async def open(self) -> None:
        """Prepare to work; wait for peers without limit."""
        ...

    async def work(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then return within `GRACE_S`."""
        ...

    async def close(self) -> None:
        """Release everything, also when `open` or `work` was cancelled or failed."""
        ...


async def serve(service: Service, stop: asyncio.Event) -> None:
    """Run a service until `stop` is set."""
    try:
        if await until(stop, service.open(), grace_s=0):
            await until(stop, service.work(stop), grace_s=GRACE_S)
    finally:
        await service.close()


async def together(stop: asyncio.Event, *parts: Coroutine[Any, Any, object]) -> None:
    """Run parts concurrently, cancel them once `stop` is set; an error of one ends all."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(part) for part in parts]
        await stop.wait()
        for task in running:
            task.cancel()


async def until(stop: asyncio.Event, work: Coroutine[Any, Any, object], *, grace_s: float) -> bool:
    """Run `work` and return True; cancel it `grace_s` after `stop` and return False."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({task}, timeout=grace_s)
        if task.done():
            task.result()
        return task.done()
    finally:
        stopping.cancel()
        task.cancel()
        await asyncio.wait({task})


def run(service: Service, settings: Settings) -> int:
    """Run a service in this process until SIGINT or SIGTERM; return the exit code."""
    logs.configure(settings.log, service.name)
    metrics.serve(settings.metrics)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_supervise(service))
    except KeyboardInterrupt:
        return 0


def loop_factory() -> Any:
    """Return uvloop's factory of loops, None where uvloop is not installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _supervise(service: Service) -> int:
    stop = asyncio.Event()
    on_signals(stop)
    task = asyncio.ensure_future(serve(service, stop))
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not task.done():
        done, _ = await asyncio.wait({task}, timeout=STOP_S)
        if not done:
            log.error("did not stop in time", limit_s=STOP_S)
            task.cancel()
            await asyncio.wait({task}, timeout=1)
            return 1
    stopped.cancel()
    error = task.exception() if not task.cancelled() else None
    if error is None or (stop.is_set() and _only(error, BusDown)):
        return 0
    if _only(error, StalledError) or _only(error, TopologyError):
        log.error("stopped", reason="; ".join(_reasons(error)))
        return 1
    raise error


def on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGINT or SIGTERM, also where the loop takes no signal handlers."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _reasons(error: BaseException) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        return [reason for inner in error.exceptions for reason in _reasons(inner)]
    return [str(error)]


def _only(error: BaseException, kind: type[Exception]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_only(inner, kind) for inner in error.exceptions)
    return isinstance(error, kind)
