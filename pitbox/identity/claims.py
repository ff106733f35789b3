"""Build the claims of operator, accounts and users; `pitbox.identity.jwt` signs them.

Drivers' claims are made at run time and pushed to nats-server. The hub's claims do not change for
a new driver: its exports are public, and each driver's account imports them narrowed to its own
subjects. Only the operator's signing key can sign such an account.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pitbox.identity import permissions
from pitbox.identity.permissions import Permissions
from pitbox.topology import Topology, size_bytes

ANSWER_NS: Final = 10_000_000_000
"""The time for which nats-server keeps the route of an answer that has not come."""

NOBODY: Final[Mapping[str, int]] = MappingProxyType({})
DRIVER: Final = "driver-"
"""The prefix of the name of a driver's account."""

CONNECTIONS: Final = 4
SUBSCRIPTIONS: Final = 64
OVERSIZE: Final = 2
"""A driver's payload limit is this many times its stream's `max_msg_size`. A message between the
two is refused by the stream, with an answer; one above the payload limit closes the connection."""


def operator(public: str, signers: list[str], system: str) -> dict[str, Any]:
    """Return the operator's claims: its signing keys and the system account."""
    about = {
        "type": "operator",
        "version": 2,
        "signing_keys": signers,
        "system_account": system,
        "strict_signing_key_usage": True,
    }
    return {"name": "pitbox", "sub": public, "nats": about}


def system(public: str, signer: str) -> dict[str, Any]:
    """Return the claims of the system account."""
    limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
    about = _account(limits | {"wildcards": True}, [signer])
    return {"name": "SYS", "sub": public, "nats": about}


def hub(public: str, signer: str, topology: Topology) -> dict[str, Any]:
    """Return the claims of the hub's account, which has the streams and the services."""
    limits = {
        **dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn"), -1),
        **{"leaf": 0, "wildcards": True, "mem_storage": -1, "disk_storage": -1},
        **{"streams": -1, "consumer": -1},
    }
    answered = {"response_type": "Singleton", "response_threshold": ANSWER_NS}
    exports = [
        {"name": name, "subject": subject, "type": kind} | (answered if kind == "service" else {})
        for name, subject, kind in permissions.exports(topology)
    ]
    about = _account(limits, [signer]) | {"exports": exports}
    return {"name": "HUB", "sub": public, "nats": about}


def driver_account(
    public: str,
    driver: str,
    signers: list[str],
    hub_public: str,
    topology: Topology,
    *,
    revocations: Mapping[str, int] = NOBODY,
) -> dict[str, Any]:
    """Return the claims of a driver's account: narrowed imports, and one scope for all PCs.

    `revocations` maps the public key of each revoked PC to a time in s since 1970: nats-server
    rejects its JWTs issued until then.
    """
    imports = [
        {"name": name, "subject": subject, "local_subject": subject, "type": kind}
        | {"account": hub_public}
        for name, subject, kind in permissions.imports(topology, driver)
    ]
    payload = OVERSIZE * max(
        size_bytes(topology.streams[topology.stream_of[route]].max_msg_size)
        for route in topology.producers[permissions.DRIVER].writes
        if route in topology.stream_of
    )
    limits = {
        **{"subs": SUBSCRIPTIONS, "data": -1, "payload": payload, "imports": len(imports)},
        **{"exports": 0, "wildcards": False, "conn": CONNECTIONS, "leaf": 0},
        **{"mem_storage": 0, "disk_storage": 0, "disallow_bearer": True},
    }
    template = {
        **permissions.of_driver(topology, driver).claims(),
        **{"subs": SUBSCRIPTIONS, "data": -1, "payload": payload},
        "allowed_connection_types": ["STANDARD", "WEBSOCKET"],
    }
    scope = {"kind": "user_scope", "role": "driver", "template": template}
    about = _account(limits, [scope | {"key": signer} for signer in signers]) | {"imports": imports}
    if revocations:
        about["revocations"] = dict(revocations)
    return {"name": f"{DRIVER}{driver}", "sub": public, "nats": about}


def driver_user(public: str, driver: str, account: str, *, expires_s: int) -> dict[str, Any]:
    """Return the claims of a driver's PC; its permissions are the scope of the account."""
    about = {"type": "user", "version": 2, "issuer_account": account}
    return {"name": driver, "sub": public, "exp": expires_s, "nats": about}


def user(public: str, name: str, account: str, allowed: Permissions) -> dict[str, Any]:
    """Return the claims of a user of the hub's account or the system account."""
    about = {
        **{"type": "user", "version": 2, "issuer_account": account},
        **{"subs": -1, "data": -1, "payload": -1, "allowed_connection_types": ["STANDARD"]},
        **allowed.claims(),
    }
    return {"name": name, "sub": public, "nats": about}


def _account(limits: dict[str, Any], signing_keys: list[Any]) -> dict[str, Any]:
    return {
        **{"type": "account", "version": 2, "limits": limits, "signing_keys": signing_keys},
        "default_permissions": {"pub": {}, "sub": {}},
    }
