"""Build the web application: routes, dependencies, limits and error answers."""

import re
from collections.abc import Mapping
from typing import Any, Final

from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import ClientException, HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from consumers.gateway.access.authentication import Authenticator, Visitor, authorise
from consumers.gateway.access.roles import API
from consumers.gateway.access.sockets import OpenSockets
from consumers.gateway.live.feed import Feed
from consumers.gateway.past.telemetry import TelemetryReader
from consumers.gateway.web import accounts, corners, deletion, enrolment, login, pins, rest
from consumers.gateway.web import telemetry as recorded
from consumers.gateway.web.pages import pages
from consumers.gateway.web.socket import wall
from pitbox import __version__, allowed, logs
from pitbox.nats.bus import Bus
from pitbox.people.passwords import BusyError
from pitbox.postgres.errors import PostgresDown
from pitbox.postgres.pool import Pool
from schemas.api import Problem

MAX_BODY_BYTES: Final = 4096
LACKING: Final = re.compile(r"Missing required \w+ parameter '(\w+)'")
BODY: Final = "body"
BODY_NAME: Final = "data"
"""Litestar's name of the parameter that takes the body."""

log = logs.get("gateway")


def build(
    *,
    bus: Bus,
    archive: Pool,
    telemetry: TelemetryReader,
    feed: Feed,
    auth: Authenticator,
    sockets: OpenSockets,
    nats_url: str,
) -> Litestar:
    """Return the application.

    `nats_url` is the address of nats-server that drivers' PCs receive at enrolment, "" when no
    address is known that they could reach.
    """
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
            corners.list_passes,
            corners.list_moments,
            corners.list_debriefs,
            rest.cars_at,
            recorded.lap_telemetry,
            recorded.range_telemetry,
            deletion.delete_session,
            pins.pin,
            pins.unpin,
            wall,
            login.log_in,
            login.log_in_by_link,
            login.accept_invitation,
            login.refresh,
            login.log_out,
            login.log_out_everywhere,
            login.ws_ticket,
            login.me,
            login.change_password,
            enrolment.make_code,
            enrolment.code_state,
            enrolment.enrol,
            enrolment.list_drivers,
            enrolment.revoke,
            enrolment.revoke_pc,
            accounts.list_accounts,
            accounts.invite,
            accounts.invite_again,
            accounts.change_account,
            accounts.end_logins,
            accounts.list_consents,
            accounts.decide,
            accounts.list_audit,
        ],
        dependencies={
            "bus": Provide(lambda: bus, sync_to_thread=False),
            "archive": Provide(lambda: archive, sync_to_thread=False),
            "telemetry": Provide(lambda: telemetry, sync_to_thread=False),
            "feed": Provide(lambda: feed, sync_to_thread=False),
            "auth": Provide(lambda: auth, sync_to_thread=False),
            "sockets": Provide(lambda: sockets, sync_to_thread=False),
            "nats_url": Provide(lambda: nats_url, sync_to_thread=False),
            "visitor": Provide(_visitor, sync_to_thread=False),
        },
        guards=[authorise],
        before_request=_known_parameters,
    )
    return Litestar(
        [api, pages()],
        exception_handlers={
            HTTPException: _refused,
            PostgresDown: _away,
            BusyError: _away,
            enrolment.SigningDown: _away,
            RecursionError: _too_deep,
            Exception: _failed,
        },
        debug=False,  # else LITESTAR_DEBUG could enable error pages with tracebacks
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="PitBox",
            version=__version__,
            path=f"{API}/openapi.json",
            render_plugins=[JsonRenderPlugin(path="/")],
            use_handler_docstrings=True,
            components=Components(
                security_schemes={
                    "login": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
                }
            ),
            security=[{"login": []}],
        ),
        state=State({"auth": auth}),
        request_max_body_size=MAX_BODY_BYTES,
    )


def _visitor(request: Request[Any, Any, Any]) -> Visitor:
    """Return the visitor that `authorise` stored."""
    found: Visitor = request.state.visitor
    return found


async def _known_parameters(request: Request[Any, Any, Any]) -> None:
    """Reject an unknown query parameter, because Litestar would ignore it."""
    known = request.route_handler.parsed_fn_signature.parameters
    for name in request.query_params:
        if name not in known:
            raise ClientException(f"{name}: this endpoint has no such parameter")


def _refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer with one sentence that names the parameter; log requests the role does not allow."""
    if error.status_code == 403:
        person = _visitor(request).person
        endpoint = f"{request.method} {request.scope['path_template']}"
        log.warning("refused", endpoint=endpoint, account=person.account, role=person.role)
    found: list[Any] = error.extra if isinstance(error.extra, list) else []
    model = getattr(request.scope.get("route_handler"), "signature_model", None)
    sentences = [_sentence(item, model) for item in found if "key" in item]
    if lacking := LACKING.match(error.detail):
        sentences = [f"{lacking[1]}: {allowed.MISSING}"]
    return _problem(error.status_code, "; ".join(sentences) or error.detail, error.headers)


def _sentence(item: Mapping[str, str], model: Any) -> str:
    """Return what is wrong with a parameter or a field of the body, from Litestar's message."""
    path = item["key"]
    if item.get("source") == BODY:
        path = BODY_NAME if path == BODY_NAME else f"{BODY_NAME}.{path}"
    sentence = allowed.sentence(f"{item['message']} - at `$.{path}`", model)
    return sentence.removeprefix(f"{BODY_NAME}.")


def _away(
    request: Request[Any, Any, Any], error: PostgresDown | BusyError | enrolment.SigningDown
) -> Response[Problem]:
    return _problem(503, str(error))


def _too_deep(request: Request[Any, Any, Any], error: RecursionError) -> Response[Problem]:
    return _problem(400, "the request's body is nested too deeply")


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    endpoint = f"{request.method} {request.scope.get('path_template', '')}"
    log.error("request failed", endpoint=endpoint, exc_info=error)
    return _problem(500, "the gateway failed: see its log")


def _problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None
) -> Response[Problem]:
    problem = Problem(status=status, detail=detail)
    return Response(problem, status_code=status, media_type="application/json", headers=headers)
