"""The matrix of access: every role, every endpoint, generated from the API's description.

`consumers.gateway.access.roles` lists the endpoints of a role. This module adds the rest: the value
of each parameter for one's own and for another's objects, and how far an endpoint reaches.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, Literal, get_args

from msgspec import Struct

from consumers.gateway.access.roles import API, ENDPOINTS, allowed
from schemas.api import Role
from tests.tools import hub
from tests.tools.people import PASSWORD

NOBODY: Final = "nobody"
ASKING: Final = (*get_args(Role), NOBODY)
Whose = Literal["own", "shared", "hidden"]
"""One's own, or another's: of somebody who shares telemetry, of somebody who hides it from all."""

SOCKET: Final = "GET /live"
"""The one endpoint that an OpenAPI description cannot contain."""


class Thing(Struct, frozen=True):
    """Name one person's objects; `mark` is part of each name and identifies them in an answer."""

    key: str

    @property
    def mark(self) -> str:
        """Return the suffix of all names of this person."""
        return f"-of-{self.key}"

    @property
    def account(self) -> str:
        """Return the name of their account."""
        return f"account{self.mark}"

    @property
    def driver(self) -> str:
        """Return their name as a driver."""
        return f"car{self.mark}"

    @property
    def session(self) -> str:
        """Return the session that only they drove."""
        return f"race{self.mark}"

    @property
    def role(self) -> str:
        """Return the role of their account."""
        return self.key if self.key in get_args(Role) else "guest"


NAMES: Final[dict[str, str]] = {"session": "session", "driver": "driver", "name": "account"}
"""Parameters that name somebody's thing, and which."""

NOBODYS: Final[dict[str, Any]] = {
    **{"pc": "rig", "lap_number": 1, "channels": "speed", "format": "json", "own": "true"},
    **{"from_ns": hub.START_NS, "to_ns": hub.START_NS + 10**9, "after": "", "limit": 500},
    "at_ns": hub.START_NS + 10**9,
    **{"kind": "camera", "allowed": True, "role": "guest", "disabled": False},
}
"""Parameters that name nobody's thing."""

PROOFS: Final[dict[str, str]] = {
    **{"password": PASSWORD, "current": PASSWORD, "new": PASSWORD},
    **{"secret": "", "code": "", "public_key": "", "proof": ""},
}
"""Parameters that prove who asks; those without a value are made for each question."""


class Reach(StrEnum):
    """How far an endpoint reaches for a role that may use it."""

    ALL = "what is anybody's"
    LIST_ALL = "what names anybody, or everybody"
    LIST_SEEN = "a list without what its driver does not share"
    LIST_OWN = "a list of everybody's, but of a driver's own only for drivers"
    SEEN_OR_EMPTY = "what its driver shares, else nothing, as of who never drove"
    SEEN_OR_GONE = "what its driver shares, else it is not there"
    SEEN_OR_GONE_AND_OWN = "what its driver shares, but a driver's own only for drivers"
    DRIVERS_OWN = "anybody's, but a driver's own only for drivers"
    NEW = "what nobody has yet"
    PROVED = "what one proves to be one's own"
    NAMELESS = "nobody's or one's own: there is no way to name another's"


REACHES: Final[dict[str, Reach]] = {
    "GET /health": Reach.NAMELESS,
    "GET /ready": Reach.NAMELESS,
    "POST /login": Reach.PROVED,
    "POST /login/link": Reach.PROVED,
    "POST /invitations/accept": Reach.PROVED,
    "POST /refresh": Reach.PROVED,
    "POST /enrol": Reach.PROVED,
    SOCKET: Reach.LIST_SEEN,
    "POST /logout": Reach.NAMELESS,
    "POST /logout/everywhere": Reach.NAMELESS,
    "POST /ws-ticket": Reach.NAMELESS,
    "GET /me": Reach.NAMELESS,
    "PUT /me/password": Reach.NAMELESS,
    "GET /channels": Reach.NAMELESS,
    "GET /streams.json": Reach.NAMELESS,
    "GET /sessions": Reach.LIST_SEEN,
    "GET /sessions/{session}": Reach.SEEN_OR_GONE,
    "GET /sessions/{session}/laps": Reach.SEEN_OR_GONE,
    "GET /sessions/{session}/holes": Reach.LIST_SEEN,
    "GET /sessions/{session}/passes": Reach.SEEN_OR_GONE,
    "GET /sessions/{session}/moments": Reach.SEEN_OR_GONE,
    "GET /sessions/{session}/debriefs": Reach.SEEN_OR_GONE,
    "GET /sessions/{session}/drivers/{driver}/laps/{lap_number}/telemetry": Reach.SEEN_OR_GONE,
    "GET /sessions/{session}/drivers/{driver}/telemetry": Reach.SEEN_OR_EMPTY,
    "GET /sessions/{session}/drivers/{driver}/cars": Reach.SEEN_OR_GONE,
    "PUT /sessions/{session}/pin": Reach.SEEN_OR_GONE_AND_OWN,
    "DELETE /sessions/{session}/pin": Reach.SEEN_OR_GONE_AND_OWN,
    "DELETE /sessions/{session}/drivers/{driver}": Reach.SEEN_OR_GONE_AND_OWN,
    "GET /consents": Reach.LIST_OWN,
    "PUT /consents": Reach.NAMELESS,
    "POST /enrolments": Reach.DRIVERS_OWN,
    "GET /enrolments/{driver}": Reach.DRIVERS_OWN,
    "GET /drivers": Reach.LIST_ALL,
    "POST /drivers/{driver}/revoke": Reach.ALL,
    "POST /drivers/{driver}/pcs/{public_key}/revoke": Reach.ALL,
    "GET /accounts": Reach.LIST_ALL,
    "POST /accounts": Reach.NEW,
    "PUT /accounts/{name}": Reach.ALL,
    "POST /accounts/{name}/invitation": Reach.LIST_ALL,
    "POST /accounts/{name}/logout": Reach.ALL,
    "GET /audit": Reach.NAMELESS,
}


class Answer(StrEnum):
    """List the outcomes of a request."""

    DONE = "answered"
    TOLD = "answered, with the data"
    UNTOLD = "answered, without the data"
    STRANGER = "rejected: not logged in"
    ROLE = "rejected: the role does not allow it"
    ANOTHERS = "rejected: it belongs to another"
    GONE = "rejected: not found"
    REFUSED = "rejected: wrong input"
    UNPROVED = "rejected: wrong secret or proof"


class Operation(Struct, frozen=True):
    """An endpoint with the names of its parameters."""

    method: str
    path: str
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    in_path: tuple[str, ...] = ()

    @property
    def endpoint(self) -> str:
        """Return its name in the table of roles."""
        return f"{self.method} {self.path.removeprefix(API)}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names of all its parameters."""
        return (*self.in_path, *self.query, *self.body)


class Question(Struct, frozen=True):
    """One cell of the matrix."""

    operation: Operation
    role: str
    whose: Whose

    @property
    def mine(self) -> Thing:
        """Return the objects of the requester."""
        return Thing(self.role)

    @property
    def thing(self) -> Thing:
        """Return the objects that are requested."""
        return self.mine if self.whose == "own" else Thing(self.whose)


def operations(described: Mapping[str, Any]) -> Iterator[Operation]:
    """Yield every endpoint of an OpenAPI document, and the WebSocket."""
    yield Operation("GET", f"{API}{SOCKET.split()[1]}")
    for path, item in described["paths"].items():
        for method, operation in item.items():
            named: dict[str, list[str]] = {"path": [], "query": []}
            for one in operation.get("parameters", ()):
                named[one["in"]].append(one["name"])
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield Operation(
                method=method.upper(),
                path=path,
                query=tuple(named["query"]),
                body=tuple(_fields(described, body.get("schema", {}))),
                in_path=tuple(named["path"]),
            )


def _fields(described: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    yield from schema.get("properties", ())


def lacking(found: list[Operation]) -> Iterator[str]:
    """Yield endpoints and parameters without an expectation, and unused expectations."""
    endpoints = {one.endpoint for one in found}
    for one in found:
        if one.endpoint not in ENDPOINTS:
            yield f"{one.endpoint}: no role is declared"
        if one.endpoint not in REACHES:
            yield f"{one.endpoint}: nobody says how far it reaches"
        for name in one.parameters:
            if not any(name in known for known in (NAMES, NOBODYS, PROOFS)):
                yield f"{one.endpoint}: nobody says whose {name!r} is"
    for endpoint in sorted((ENDPOINTS.keys() | REACHES.keys()) - endpoints):
        yield f"{endpoint}: is not served"


def questions(found: list[Operation]) -> Iterator[Question]:
    """Yield every cell: endpoint by role by owner of the object."""
    for operation in found:
        for role in ASKING:
            for whose in get_args(Whose):
                yield Question(operation, role, whose)


def expected(question: Question) -> Answer:
    """Return the expected outcome, from the declared role and the endpoint's reach."""
    roles = allowed(question.operation.method, question.operation.path)
    by_ticket = question.operation.endpoint == SOCKET
    if question.role == NOBODY and (roles is not None or by_ticket):
        return Answer.STRANGER
    if roles is not None and question.role not in roles:
        return Answer.ROLE
    own, seen = question.whose == "own", question.whose != "hidden"
    match REACHES[question.operation.endpoint]:
        case Reach.ALL:
            return Answer.DONE
        case Reach.LIST_ALL:
            return Answer.TOLD
        case Reach.LIST_SEEN | Reach.SEEN_OR_EMPTY:
            return Answer.TOLD if seen else Answer.UNTOLD
        case Reach.LIST_OWN:
            return Answer.TOLD if own or question.role != "driver" else Answer.UNTOLD
        case Reach.SEEN_OR_GONE:
            return Answer.TOLD if seen else Answer.GONE
        case Reach.SEEN_OR_GONE_AND_OWN if question.role == "driver":
            return Answer.DONE if own else Answer.ANOTHERS
        case Reach.SEEN_OR_GONE_AND_OWN:
            return Answer.DONE if seen else Answer.GONE
        case Reach.DRIVERS_OWN:
            return Answer.TOLD if own or question.role != "driver" else Answer.ANOTHERS
        case Reach.PROVED:
            return Answer.DONE if own else Answer.UNPROVED
        case Reach.NEW | Reach.NAMELESS:
            return Answer.DONE if own else Answer.REFUSED
