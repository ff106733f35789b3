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
    except ModuleNotFoundError as error:
        raise CommandError(_missing(name, error.name or "")) from None
    if not hasattr(module, "service"):
        raise CommandError(f"add a function service(settings) to {module.__file__}")
    made = module.service(loaded)
    credentials.read(credentials.file_of(loaded.nats.credentials, name))
    trust(loaded.nats)
    return lifetime.run(made, loaded)


def _missing(name: str, module: str) -> str:
    """Return what to do about a module that a service lacks."""
    own = f"consumers.{name}"
    if own.startswith(module) or module.startswith(own):
        return (
            f"{name} stands in streams.yaml, but there is no {module}: add it, or take {name} out"
        )
    return f"{name} needs {module}, which is not installed: add the extra [{name}]"
