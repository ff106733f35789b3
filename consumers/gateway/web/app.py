"""The web application: what is served where, and how it says no."""

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

from consumers.gateway.access.admissions import Admissions
from consumers.gateway.access.doors import Doors, Visitor, admit
from consumers.gateway.access.roles import API
from consumers.gateway.live.feed import Live
from consumers.gateway.web import accounts, enrolment, login, rest
from consumers.gateway.web.pages import pages
from consumers.gateway.web.socket import wall
from pitbox import __version__, allowed, logs
from pitbox.nats.bus import Bus
from pitbox.people.passwords import BusyError
from pitbox.postgres.pool import Archive, ArchiveDown
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
    archive: Archive,
    live: Live,
    doors: Doors,
    admissions: Admissions,
    nats_url: str,
) -> Litestar:
    """Return the application over what it shows, for whom the doors let in.

    `nats_url` is where drivers' PCs are told to drive to, "" when that is not known.
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
            rest.lap_telemetry,
            rest.range_telemetry,
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
            accounts.log_somebody_out,
            accounts.list_consents,
            accounts.decide,
            accounts.list_audit,
        ],
        dependencies={
            "bus": Provide(lambda: bus, sync_to_thread=False),
            "archive": Provide(lambda: archive, sync_to_thread=False),
            "live": Provide(lambda: live, sync_to_thread=False),
            "doors": Provide(lambda: doors, sync_to_thread=False),
            "admissions": Provide(lambda: admissions, sync_to_thread=False),
            "nats_url": Provide(lambda: nats_url, sync_to_thread=False),
            "visitor": Provide(_visitor, sync_to_thread=False),
        },
        guards=[admit],
        before_request=_known_parameters,
    )
    return Litestar(
        [api, pages()],
        exception_handlers={
            HTTPException: _refused,
            ArchiveDown: _away,
            BusyError: _away,
            enrolment.SigningDown: _away,
            RecursionError: _too_deep,
            Exception: _failed,
        },
        debug=False,  # else LITESTAR_DEBUG could switch on pages that show our insides
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
        state=State({"doors": doors}),
        request_max_body_size=MAX_BODY_BYTES,
    )


def _visitor(request: Request[Any, Any, Any]) -> Visitor:
    """Return who asks, as the guard found."""
    found: Visitor = request.state.visitor
    return found


async def _known_parameters(request: Request[Any, Any, Any]) -> None:
    """Refuse a parameter that means nothing, for it would be left out in silence."""
    known = request.route_handler.parsed_fn_signature.parameters
    for name in request.query_params:
        if name not in known:
            raise ClientException(f"{name}: there is no such parameter here")


def _refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer with one sentence that names the parameter; who asked for too much is written down."""
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
    told = allowed.sentence(f"{item['message']} - at `$.{path}`", model)
    return told.removeprefix(f"{BODY_NAME}.")


def _away(
    request: Request[Any, Any, Any], error: ArchiveDown | BusyError | enrolment.SigningDown
) -> Response[Problem]:
    return _problem(503, str(error))


def _too_deep(request: Request[Any, Any, Any], error: RecursionError) -> Response[Problem]:
    return _problem(400, "what was sent is nested too deeply")


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    endpoint = f"{request.method} {request.scope.get('path_template', '')}"
    log.error("request failed", endpoint=endpoint, exc_info=error)
    return _problem(500, "the gateway failed; its log says why")


def _problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None
) -> Response[Problem]:
    problem = Problem(status=status, detail=detail)
    return Response(problem, status_code=status, media_type="application/json", headers=headers)
