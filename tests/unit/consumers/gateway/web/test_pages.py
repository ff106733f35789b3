"""Files of the pages: who receives which form, and how long it is kept."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from consumers.gateway.web import pages
from consumers.gateway.web.guard import Guard

SCRIPT = b"wall();" * 100
PLAIN = b"plain()"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Serve a folder with a compressed script, and one that is not compressed."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (assets / "wall-1a2b.js").write_bytes(SCRIPT)
    (assets / "wall-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "plain-3c4d.js").write_bytes(PLAIN)
    guarded: Any = Guard(Litestar([pages.pages(tmp_path)]))
    transport = httpx.ASGITransport(guarded)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
        yield made


@pytest.mark.parametrize(
    ("encodings", "accepted"),
    [
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.8", True),
        ("*", True),
        ("gzip;q=0.001", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("gzip, *;q=0", True),
    ],
)
def test_a_client_says_whether_it_accepts_gzip(encodings: str, accepted: bool) -> None:
    assert pages.accepts_gzip(encodings) is accepted


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_client_receives_the_form_that_it_accepts(
    client: httpx.AsyncClient, method: str
) -> None:
    path = "/assets/wall-1a2b.js"
    packed = await client.request(method, path, headers={"accept-encoding": "gzip"})
    whole = await client.request(method, path, headers={"accept-encoding": "identity"})
    for answer in (packed, whole):
        assert answer.content == (SCRIPT if method == "GET" else b"")
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert "immutable" in answer.headers["cache-control"]
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in whole.headers
    sizes = [int(answer.headers["content-length"]) for answer in (packed, whole)]
    assert sizes == [len(gzip.compress(SCRIPT)), len(SCRIPT)]
    assert packed.headers["etag"] != whole.headers["etag"]


async def test_a_file_that_is_not_compressed_is_the_same_for_every_client(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/assets/plain-3c4d.js", headers={"accept-encoding": "gzip"})
    assert answer.content == PLAIN
    assert "content-encoding" not in answer.headers
    assert "vary" not in answer.headers


async def test_the_compressed_form_has_no_address_of_its_own(client: httpx.AsyncClient) -> None:
    assert (await client.get("/assets/wall-1a2b.js.gz")).status_code == 404


async def test_the_index_is_asked_for_each_time(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).headers["cache-control"] == "no-cache"
    assert (await client.get("/assets/gone-5e6f.js")).headers["cache-control"] == "no-cache"
