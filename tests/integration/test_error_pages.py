"""Error answers of the gateway's app, without servers."""

from typing import Any

import pytest
from litestar.testing import TestClient

from consumers.gateway.web.app import build
from pitbox import topology
from pitbox.nats.bus import Bus
from pitbox.postgres.pool import Pool


class Failing(Pool):
    """Fail with a message that no answer may contain."""

    def __init__(self) -> None:
        """Hold nothing."""

    async def ready(self) -> bool:
        raise RuntimeError("the password is hunter2")


def test_asvs_13_4_2_no_error_page_shows_a_traceback_whatever_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LITESTAR_DEBUG", "1")
    unasked: dict[str, Any] = dict.fromkeys(("telemetry", "feed", "auth", "sockets"))
    bus = Bus("gateway", topology.load())
    app = build(bus=bus, archive=Failing(), nats_url="", **unasked)
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/api/v1/ready", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert answer.json()["detail"] == "the gateway failed: see its log"
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
