"""What is claimed of operator, accounts and users; signing it is `pitbox.identity.jwt`'s part.

Claims of drivers are made at run time and pushed to nats-server. Those of the hub do not change
for that: what it exports is public, and only the operator's signing key narrows an import of it to
one driver.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pitbox.identity import permissions
from pitbox.identity.permissions import Permissions
from pitbox.topology import Topology, size_bytes

ANSWER_NS: Final = 10_000_000_000
"""For so long nats-server remembers whom to give an answer that does not come."""

NOBODY: Final[Mapping[str, int]] = MappingProxyType({})
DRIVER: Final = "driver-"
"""So the name of a driver's account begins."""

CONNECTIONS: Final = 4
SUBSCRIPTIONS: Final = 64
OVERSIZE: Final = 2
"""A driver's message may be so many times what its stream takes: the stream refuses it, which is
an answer, while here the connection would end."""


def operator(public: str, signers: list[str], system: str) -> dict[str, Any]:
    """Claim who the operator is, which keys sign for it, and which account is the system's."""
    about = {
        "type": "operator",
        "version": 2,
        "signing_keys": signers,
        "system_account": system,
        "strict_signing_key_usage": True,
    }
    return {"name": "pitbox", "sub": public, "nats": about}


def system(public: str, signer: str) -> dict[str, Any]:
    """Claim the system's account."""
    limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
    about = _account(limits | {"wildcards": True}, [signer])
    return {"name": "SYS", "sub": public, "nats": about}


def hub(public: str, signer: str, topology: Topology) -> dict[str, Any]:
    """Claim the account that has the streams and the services."""
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
    """Claim a driver's account: narrow imports of the hub, and one scope for every PC of his.

    `revocations` tell of PCs that are shut out when: what was signed until then lets them in no
    more.
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
    """Claim a PC of a driver, which may do what the scope of his account says."""
    about = {"type": "user", "version": 2, "issuer_account": account}
    return {"name": driver, "sub": public, "exp": expires_s, "nats": about}


def user(public: str, name: str, account: str, allowed: Permissions) -> dict[str, Any]:
    """Claim a user within the hub, or within the system's account."""
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
