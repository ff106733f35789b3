"""Serve the built pages: the pit wall and the API description."""

from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, Router
from litestar.exceptions import NotFoundException
from litestar.static_files import create_static_files_router

STATIC: Final = Path(__file__).parents[1] / "static"
NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>PitBox</title></head>
<body><h1>PitBox</h1>
<p>The gateway works, but its pages are not built: run <code>make web</code>, then load this
again.</p>
<p>The API is described by <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
</body></html>
"""


def pages(folder: Path = STATIC) -> Router:
    """Return a router for the built pages: `index.html`, `assets/`, `openapi/index.html`."""
    return create_static_files_router(
        path="/",
        directories=[folder],
        html_mode=True,
        exception_handlers={NotFoundException: _missing},
    )


def _missing(request: Request[Any, Any, Any], error: NotFoundException) -> Response[str]:
    if request.url.path in ("/", "/openapi", "/openapi/"):
        return Response(NOT_BUILT, media_type="text/html", status_code=503)
    return Response("page not found", media_type="text/plain", status_code=404)
