"""The gateway names the wrong field of a request, and describes the allowed values in words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.tools import hub
from tests.tools.page import gateway_of
from tests.tools.servers import NatsServer
from tests.tools.words import jargon

IN_ADDRESS = ("a b", "-1", "x" * 300, "%5E%5B", "1.5")
IN_BODY: tuple[Any, ...] = ({"x": 1}, [1], 5, 1.5, True, None, "", "a b\n", "x" * 2000)
SENTENCES = {
    ("POST", "/enrolments", "driver"): "driver: it takes 1 to 64 letters, digits, - and _",
    ("POST", "/login", "name"): "name: it takes 2 to 32 small letters",
    ("POST", "/accounts", "role"): "role: it takes one of driver, engineer, guest, owner",
}


def mistakes(described: dict[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    """Yield method, path, field and body for each way to get one field wrong."""
    schemas = described["components"]["schemas"]
    for path, methods in described["paths"].items():
        for method, about in methods.items():
            parameters = about.get("parameters", ())
            names = {one["name"]: "x1" for one in parameters if one["in"] == "path"}
            for one in parameters:
                for value in IN_ADDRESS:
                    if one["in"] == "path":
                        yield (
                            method,
                            path.format(**{**names, one["name"]: value}),
                            one["name"],
                            None,
                        )
                    elif one["in"] == "query":
                        address = f"{path.format(**names)}?{one['name']}={value}"
                        yield method, address, one["name"], None
            body = about.get("requestBody", {}).get("content", {}).get("application/json")
            if body is None:
                continue
            fields = schemas[body["schema"]["$ref"].rpartition("/")[2]]["properties"]
            for name in (*fields, "nothing_like_it"):
                for value in IN_BODY:
                    yield method, path.format(**names), name, {name: value}
            for whole in ([], 5, "x", {}):
                yield method, path.format(**names), "", whole


async def test_no_answer_contains_a_regular_expression_or_a_type_name(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    await hub.apply(nats_server.url)
    answers: dict[tuple[str, str, str], list[str]] = {}
    async with (
        gateway_of(nats_server.url, database, tmp_path) as served,
        served.rest() as rest,
    ):
        described = (await rest.get("/openapi.json")).json()
        for method, path, field, body in mistakes(described):
            answer = await sent(rest, method, path, body)
            assert answer.status_code < 500 or answer.status_code == 503, (method, path, body)
            if answer.status_code == 400:
                detail = answer.json()["detail"]
                assert not jargon(detail), (method, path, body, detail)
                short = path.removeprefix("/api/v1")
                answers.setdefault((method.upper(), short, field), []).append(detail)
    assert len(answers) > 40
    for key, sentence in SENTENCES.items():
        assert any(detail.startswith(sentence) for detail in answers[key]), answers[key]


async def sent(rest: httpx.AsyncClient, method: str, path: str, body: Any) -> httpx.Response:
    if body is None:
        return await rest.request(method, path.removeprefix("/api/v1"))
    return await rest.request(method, path.removeprefix("/api/v1"), json=body)
