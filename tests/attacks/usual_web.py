"""An ordinary web server: static files from a folder, and uvicorn as it comes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated

import uvicorn
from litestar import Litestar, delete, get, post
from litestar.params import PathParameter
from litestar.static_files import create_static_files_router

MAX_CONNECTIONS = 1024


class _Server(uvicorn.Server):
    """Serve without signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the test."""
        yield


NEWEST = 500
_driven: list[str] = []


@post("/driven/{session:str}")
async def drive(session: Annotated[str, PathParameter()]) -> None:
    """Store that a session was driven."""
    _driven.append(session)


@get("/api/v1/sessions")
async def list_sessions() -> list[dict[str, str]]:
    """List the newest sessions."""
    return [{"session": session} for session in _driven[: -NEWEST - 1 : -1]]


@delete("/api/v1/sessions/{session:str}/drivers/{driver:str}")
async def delete_session(
    session: Annotated[str, PathParameter()], driver: Annotated[str, PathParameter()]
) -> None:
    """Delete a session for anybody."""
    _driven.remove(session)


@get("/large", media_type="application/octet-stream")
async def large() -> bytes:
    """Return an answer of 9 MB."""
    return bytes(9_000_000)


@post("/api/v1/login")
async def log_in() -> None:
    """Take any login."""


@asynccontextmanager
async def usual_web(folder: Path) -> AsyncIterator[int]:
    """Run the server and yield its port."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>the wall")
    files = create_static_files_router("/", directories=[folder], html_mode=True)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Litestar([files, log_in, drive, list_sessions, delete_session, large], logging_config=None),
        http="h11",
        log_config=None,
        lifespan="off",
        limit_concurrency=MAX_CONNECTIONS,
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve([listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await serving
