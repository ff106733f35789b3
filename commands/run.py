"""Run one service."""

import importlib

from commands.cli import CommandError
from pitbox import settings, topology
from pitbox.identity import credentials
from pitbox.service import lifetime
from pitbox.tls.transport import trust


def run(name: str, /) -> int:
    """Run a consumer of streams.yaml until SIGINT or SIGTERM.

    Example: pitbox run persister
    """
    loaded = settings.load()
    known = topology.load(loaded.streams).consumers
    if name not in known:
        raise CommandError(f"no service {name!r} in streams.yaml; it names {', '.join(known)}")
    try:
        module = importlib.import_module(f"consumers.{name}.service")
        made = module.service(loaded)
    except ModuleNotFoundError as error:
        raise CommandError(
            f"{name} needs {error.name}, which is not installed: add the extra [{name}]"
        ) from None
    credentials.read(credentials.file_of(loaded.nats.credentials, name))
    trust(loaded.nats)
    return lifetime.run(made, loaded)
