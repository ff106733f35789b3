"""Declare which roles may call each endpoint. An endpoint that is not listed rejects everyone."""

from typing import Final

from schemas.api import Role

API: Final = "/api/v1"

EVERYONE: Final = frozenset[Role]({"owner", "engineer", "driver", "guest"})
TEAM: Final = frozenset[Role]({"owner", "engineer", "driver"})
OWNER: Final = frozenset[Role]({"owner"})
NO_LOGIN: Final = None
"""No login is needed: the request carries its own proof, or the answer concerns no person."""

ENDPOINTS: Final[dict[str, frozenset[Role] | None]] = {
    "GET /health": NO_LOGIN,
    "GET /ready": NO_LOGIN,
    "POST /login": NO_LOGIN,
    "POST /login/link": NO_LOGIN,
    "POST /invitations/accept": NO_LOGIN,
    "POST /refresh": NO_LOGIN,
    "POST /enrol": NO_LOGIN,  # by code
    "GET /live": NO_LOGIN,  # by ticket
    "POST /logout": EVERYONE,
    "POST /logout/everywhere": EVERYONE,
    "POST /ws-ticket": EVERYONE,
    "GET /me": EVERYONE,
    "PUT /me/password": EVERYONE,
    "GET /channels": EVERYONE,
    "GET /streams.json": EVERYONE,
    "GET /sessions": EVERYONE,
    "GET /sessions/{session}": EVERYONE,
    "GET /sessions/{session}/laps": EVERYONE,
    "GET /sessions/{session}/holes": EVERYONE,
    "GET /sessions/{session}/passes": EVERYONE,
    "GET /sessions/{session}/moments": EVERYONE,
    "GET /sessions/{session}/debriefs": EVERYONE,
    "GET /sessions/{session}/drivers/{driver}/laps/{lap_number}/telemetry": EVERYONE,
    "GET /sessions/{session}/drivers/{driver}/telemetry": EVERYONE,
    "GET /sessions/{session}/drivers/{driver}/cars": EVERYONE,
    "PUT /sessions/{session}/pin": OWNER,
    "DELETE /sessions/{session}/pin": OWNER,
    "DELETE /sessions/{session}/drivers/{driver}": frozenset[Role]({"owner", "driver"}),
    "GET /consents": frozenset[Role]({"owner", "driver"}),
    "PUT /consents": frozenset[Role]({"driver"}),
    "POST /enrolments": TEAM,
    "GET /enrolments/{driver}": TEAM,
    "GET /drivers": frozenset[Role]({"owner", "engineer"}),
    "POST /drivers/{driver}/revoke": OWNER,
    "POST /drivers/{driver}/pcs/{public_key}/revoke": OWNER,
    "GET /accounts": OWNER,
    "POST /accounts": OWNER,
    "PUT /accounts/{name}": OWNER,
    "POST /accounts/{name}/invitation": OWNER,
    "POST /accounts/{name}/logout": OWNER,
    "GET /audit": OWNER,
}


def allowed(method: str, path: str) -> frozenset[Role] | None:
    """Return the roles that may call an endpoint, None when no login is needed.

    `path` is the route's template, such as `/api/v1/sessions/{session}`. An endpoint that is not
    listed returns an empty set.
    """
    return ENDPOINTS.get(f"{method} {path.removeprefix(API)}", frozenset())
