"""The faults: each lasts while its block runs and is repaired at its end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.programs import Driver
from tests.faults.stack import Stack
from tests.tools.servers import Server


@contextmanager
def link_cut(car: Driver) -> Iterator[None]:
    """Reset the driver's connections and refuse new ones."""
    car.link.cut()
    yield
    car.link.heal()


@contextmanager
def black_hole(car: Driver, *, reset: bool) -> Iterator[None]:
    """Drop everything silently; at the end the old connections continue, or are reset."""
    car.link.black_hole()
    yield
    if reset:
        car.link.reset()
    car.link.heal()


@contextmanager
def killed(server: Server) -> Iterator[None]:
    """Send SIGKILL, and start again at the end."""
    server.kill()
    yield
    server.start()


@contextmanager
def paused(server: Server) -> Iterator[None]:
    """Send SIGSTOP, and SIGCONT at the end."""
    server.send(signal.SIGSTOP)
    yield
    server.send(signal.SIGCONT)


@contextmanager
def postgres_stopped(stack: Stack) -> Iterator[None]:
    """Stop Postgres without a checkpoint, and start it again."""
    stack.postgres.stop_at_once()
    yield
    stack.postgres.start()


@contextmanager
def store_wiped(stack: Stack) -> Iterator[None]:
    """Delete every stream; only the services create them again."""
    with killed(stack.nats):
        stack.nats.wipe()
        yield


@contextmanager
def store_goes_back(stack: Stack) -> Iterator[None]:
    """Restore the streams to their state before the block."""
    copy = stack.fresh_folder("store")
    stack.nats.copy_store(copy)
    yield
    with killed(stack.nats):
        stack.nats.put_back(copy)


@contextmanager
def database_goes_back(stack: Stack) -> Iterator[None]:
    """Restore Postgres to its state before the block."""
    copy = stack.fresh_folder("backup")
    stack.postgres.back_up(copy)
    yield
    with postgres_stopped(stack):
        stack.postgres.put_back(copy)
