"""The web application: what is served where."""

from litestar import Litestar, Router, get

from consumers.gateway.guard import Guard
from pitbox.topology import Topology
from schemas.api import Health

MAX_BODY_BYTES = 4096


@get("/health")
async def health() -> Health:
    """Say that the process works; asks no one else."""
    return Health()


def build(topology: Topology) -> Guard:
    """Return the application."""
    api = Router("/api/v1", route_handlers=[health])
    return Guard(Litestar([api], logging_config=None, request_max_body_size=MAX_BODY_BYTES))
