"""Serve the built pages: the pit wall and the API description.

The build compresses their files, which hold no secret and nothing that a request contains. Nothing
else is compressed: the size of a compressed answer could tell a secret in it (BREACH).
"""

import mimetypes
import re
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, Router, route
from litestar.enums import HttpMethod
from litestar.response import File

STATIC: Final = Path(__file__).parents[1] / "static"
INDEX: Final = "index.html"
COMPRESSED: Final = ".gz"
REFUSED: Final = re.compile(r"q=0(\.0{0,3})?")
PIECE_BYTES: Final = 65_536
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

    @route(
        ["/", "/{path:path}"],
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        include_in_schema=False,
        sync_to_thread=False,
        status_code=200,
    )
    def page(request: Request[Any, Any, Any]) -> Response[str] | File:
        """Return a file of the folder.

        The path is compared with the names of the files and never opened itself: whatever it
        contains, it leads nowhere else, and no error of the file system reaches the client.
        """
        asked = request.scope["path"].strip("/")
        files = {
            one.relative_to(folder).as_posix(): one
            for one in folder.rglob("*.*")
            if one.suffix != COMPRESSED
        }
        found = files.get(asked) or files.get(f"{asked}/{INDEX}".strip("/"))
        if found is not None:
            return _file(found, request.headers.get("accept-encoding", ""))
        if asked in ("", "openapi"):
            return Response(NOT_BUILT, media_type="text/html", status_code=503)
        return Response("page not found", media_type="text/plain", status_code=404)

    return Router("/", route_handlers=[page])


def accepts_gzip(encodings: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip (RFC 9110, section 12.5.3)."""
    allowed = {}
    for part in encodings.lower().replace(" ", "").split(","):
        coding, _, weight = part.partition(";")
        allowed[coding] = not REFUSED.fullmatch(weight)
    return allowed.get("gzip", allowed.get("*", False))


def _file(path: Path, encodings: str) -> File:
    """Return a file of the pages, compressed where it is and the client accepts that."""
    kind, _ = mimetypes.guess_type(path.name)
    compressed = path.with_name(path.name + COMPRESSED)
    headers = {}
    if compressed.is_file():
        headers["vary"] = "Accept-Encoding"
        if accepts_gzip(encodings):
            headers["content-encoding"] = "gzip"
    return File(
        compressed if "content-encoding" in headers else path,
        filename=path.name,
        media_type=kind,
        headers=headers,
        content_disposition_type="inline",
        chunk_size=PIECE_BYTES,
    )
