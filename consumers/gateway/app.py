"""The web application: what is served where, and how it says no."""

from typing import Any, Final

from litestar import Litestar, Request, Response, Router
from litestar.di import Provide
from litestar.exceptions import ClientException, HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from consumers.gateway import rest
from consumers.gateway.archive import Archive, ArchiveDown
from consumers.gateway.guard import Guard
from consumers.gateway.live import Live
from consumers.gateway.pages import pages
from consumers.gateway.wall import wall
from pitbox import __version__, logs
from pitbox.bus import Bus
from schemas.api import Problem

API: Final = "/api/v1"
MAX_BODY_BYTES: Final = 4096

log = logs.get("gateway")


def build(bus: Bus, archive: Archive, live: Live) -> Guard:
    """Return the application over what it shows."""
    api = Router(
        API,
        route_handlers=[
            rest.health,
            rest.ready,
            rest.list_channels,
            rest.streams,
            rest.list_sessions,
            rest.one_session,
            rest.list_laps,
            rest.list_holes,
            rest.lap_telemetry,
            rest.range_telemetry,
            wall,
        ],
        dependencies={
            "bus": Provide(lambda: bus, sync_to_thread=False),
            "archive": Provide(lambda: archive, sync_to_thread=False),
            "live": Provide(lambda: live, sync_to_thread=False),
        },
        before_request=_known_parameters,
    )
    app = Litestar(
        [api, pages()],
        exception_handlers={
            HTTPException: _refused,
            ArchiveDown: _away,
            Exception: _failed,
        },
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="PitBox",
            version=__version__,
            path=f"{API}/openapi.json",
            render_plugins=[JsonRenderPlugin(path="/")],
            use_handler_docstrings=True,
        ),
        request_max_body_size=MAX_BODY_BYTES,
    )
    return Guard(app)


async def _known_parameters(request: Request[Any, Any, Any]) -> None:
    """Refuse a parameter that means nothing, for it would be left out in silence."""
    known = request.route_handler.parsed_fn_signature.parameters
    for name in request.query_params:
        if name not in known:
            raise ClientException(f"{name}: there is no such parameter here")


def _refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer with one sentence that names the parameter."""
    found: list[Any] = error.extra if isinstance(error.extra, list) else []
    sentences = [f"{item['key']}: {item['message']}" for item in found if "key" in item]
    return _problem(error.status_code, "; ".join(sentences) or error.detail)


def _away(request: Request[Any, Any, Any], error: ArchiveDown) -> Response[Problem]:
    return _problem(503, str(error))


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    log.error("request failed", path=request.url.path, exc_info=error)
    return _problem(500, "the gateway failed; its log says why")


def _problem(status: int, detail: str) -> Response[Problem]:
    problem = Problem(status=status, detail=detail)
    return Response(problem, status_code=status, media_type="application/json")
