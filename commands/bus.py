"""One connection to nats-server for a command; errors become a sentence."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeVar

from commands.cli import CommandError
from commands.hub import nearby
from commands.hub.nearby import Nearby
from pitbox import topology
from pitbox.nats.bus import Bus, BusDown, NobodyListens

Result = TypeVar("Result")

GROUP: Final = "nats"


def run(
    work: Callable[[Bus], Awaitable[Result]], service: str = "", *, wait: bool = False
) -> Result:
    """Do some work with a connection as a service; `wait` waits for nats-server without a limit.

    Raises CommandError when nats-server or the answering service is away, or when no setting names
    nats-server.
    """
    found = nearby.find()
    with sentences(found):
        return asyncio.run(_connected(found, work, service, wait=wait))


@contextlib.contextmanager
def sentences(found: Nearby) -> Iterator[None]:
    """Turn failures of nats-server within the block into a CommandError that names a remedy.

    Raises one at once when no setting names nats-server.
    """
    if not found.knows(GROUP):
        raise CommandError(
            f"{found.absence}. For a hub elsewhere set PITBOX_NATS__URL and "
            "PITBOX_NATS__CREDENTIALS"
        )
    try:
        yield
    except NobodyListens as error:
        raise CommandError(
            f"{error}: the service that answers it does not run; `make up` starts all of them"
        ) from None
    except TimeoutError:
        raise CommandError(
            "nats-server did not answer: these credentials may lack a permission that streams.yaml "
            "needs now. Run `pitbox streams apply` where PITBOX_KEYS__FOLDER holds the hub's keys"
        ) from None
    except BusDown as error:
        raise CommandError(f"{error}; {found.origin(GROUP)}") from None


async def _connected(
    found: Nearby, work: Callable[[Bus], Awaitable[Result]], service: str, *, wait: bool
) -> Result:
    declared = topology.load(found.settings.streams)
    bus = await Bus.connect(found.settings.nats, service, declared, forever=wait)
    try:
        return await work(bus)
    finally:
        await bus.close()
