"""Sign all identities of a hub with the keys of one folder.

The operator's seed signs only operator.jwt, which names the key that signs accounts. After that it
is needed only to replace that key, and should be kept elsewhere.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from pitbox.identity import claims, credentials, jwt, permissions
from pitbox.identity.claims import NOBODY
from pitbox.identity.credentials import SUFFIX, Credentials
from pitbox.identity.folder import KeyFolder, KeysError, write_private
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.permissions import Permissions
from pitbox.topology import Topology

OPERATOR: Final = "operator"
OPERATOR_SIGNER: Final = "operator-signer"
OPERATOR_SIGNER_OLD: Final = "operator-signer-old"
SYSTEM: Final = "system"
SYSTEM_SIGNER: Final = "system-signer"
HUB: Final = "hub"
HUB_SIGNER: Final = "hub-signer"
DRIVER_SIGNER: Final = "driver-signer"
DRIVER_SIGNER_OLD: Final = "driver-signer-old"
USERS: Final = "users"

CLAIMS: Final = "claims"
"""The user of the system account that pushes account claims and reads counters and health."""

CLAIMS_MAY: Final = Permissions(
    publish=(
        "$SYS.REQ.CLAIMS.UPDATE",
        "$SYS.REQ.CLAIMS.DELETE",
        "$SYS.REQ.CLAIMS.LIST",
        "$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP",
        "$SYS.REQ.ACCOUNT.PING.STATZ",
        "$SYS.REQ.SERVER.PING.HEALTHZ",
        "$SYS.REQ.SERVER.PING.JSZ",
    ),
    subscribe=(f"{permissions.inbox(CLAIMS)}.>",),
)


class Trust(Struct, frozen=True):
    """Hold the JWTs for nats-server's configuration, accounts by public key; none is secret."""

    operator: str
    system: str
    accounts: dict[str, str]


class Authority:
    """Hold the keys of a hub's folder and sign with them."""

    def __init__(self, folder: Path, topology: Topology) -> None:
        """Open the folder, made if absent; raises KeysError when other users may read it."""
        self._keys = KeyFolder(folder)
        self._topology = topology
        self._held: dict[str, KeyPair] = {}

    @property
    def users(self) -> Path:
        """Return the path of the folder with the services' credentials."""
        return self._keys.path / USERS

    def trust(self) -> Trust:
        """Return the JWTs for nats-server's configuration, making missing keys.

        Raises KeysError when operator.jwt does not match the keys and the operator's seed is away.
        """
        signer = self._pair(OPERATOR_SIGNER, Kind.OPERATOR)
        system, hub = self._public(SYSTEM), self._public(HUB)
        system_claims = claims.system(system, self._public(SYSTEM_SIGNER))
        hub_claims = claims.hub(hub, self._public(HUB_SIGNER), self._topology)
        accounts = {
            system: jwt.signed(system_claims, signer, at_s=_now_s()),
            hub: jwt.signed(hub_claims, signer, at_s=_now_s()),
        }
        return Trust(self._operator(signer.public, system), system, accounts)

    def check(self) -> None:
        """Check that operator.jwt names the key that signs accounts; raises KeysError.

        After this call drivers are signed with the keys read now, even if the files are replaced.
        """
        if self._pair(OPERATOR_SIGNER, Kind.OPERATOR).public not in self._account_signers():
            raise KeysError(f"start nats-server with the keys of {self._keys.path} first")
        self._held = {
            OPERATOR_SIGNER: self._pair(OPERATOR_SIGNER, Kind.OPERATOR),
            DRIVER_SIGNER: self._pair(DRIVER_SIGNER),
        }

    def driver_of(self, token: str) -> str:
        """Return the driver of an account's JWT, "" unless this hub signed it for a driver."""
        try:
            about = jwt.verified(token)
        except jwt.ClaimsError:
            return ""
        _, is_driver, driver = about.get("name", "").partition(claims.DRIVER)
        return driver if is_driver and about["iss"] in self._account_signers() else ""

    def own_accounts(self) -> set[str]:
        """Return the public keys of the system account and the hub's account."""
        return {self._public(SYSTEM), self._public(HUB)}

    def write_users(self) -> Path:
        """Write credentials for every service, as streams.yaml permits; return their folder."""
        for name, allowed in permissions.users(self._topology).items():
            self.write_user(name, allowed)
        system = self._public(SYSTEM)
        self._write(CLAIMS, CLAIMS_MAY, system, self._pair(SYSTEM_SIGNER))
        return self.users

    def write_stale_users(self) -> list[str]:
        """Write the credentials that are not as streams.yaml permits; return the users' names."""
        wanted = permissions.users(self._topology)
        users = self.users
        stale = [n for n, allowed in wanted.items() if permitted(users, n) != allowed.claims()]
        for name in stale:
            self.write_user(name, wanted[name])
        return stale

    def write_user(self, name: str, allowed: Permissions) -> None:
        """Write credentials for one user of the hub's account."""
        self._write(name, allowed, self._public(HUB), self._pair(HUB_SIGNER))

    def account(self, driver: str) -> tuple[str, str]:
        """Make an account for a driver; return its public key and its JWT.

        Its seed is discarded: only the operator's signing key signs later versions.
        """
        public = KeyPair.new(Kind.ACCOUNT).public
        return public, self.account_again(driver, public)

    def account_again(
        self, driver: str, public: str, revocations: Mapping[str, int] = NOBODY
    ) -> str:
        """Return a new JWT of an existing account, with the permissions of streams.yaml.

        `revocations` maps the public key of each revoked PC to the time of that, in s since 1970.
        """
        signers = [self._public(DRIVER_SIGNER)]
        if self._keys.has(DRIVER_SIGNER_OLD) and self._public(DRIVER_SIGNER_OLD) not in signers:
            signers.append(self._public(DRIVER_SIGNER_OLD))
        hub = self._public(HUB)
        about = claims.driver_account(
            public, driver, signers, hub, self._topology, revocations=revocations
        )
        return jwt.signed(about, self._pair(OPERATOR_SIGNER, Kind.OPERATOR), at_s=_now_s())

    def driver_user(
        self, driver: str, account: str, public: str, *, expires_s: int, after_s: int = 0
    ) -> str:
        """Return the JWT of a driver's PC, issued later than its last revocation (`after_s`)."""
        about = claims.driver_user(public, driver, account, expires_s=expires_s)
        at_s = max(_now_s(), after_s + 1)
        return jwt.signed(about, self._pair(DRIVER_SIGNER), at_s=at_s)

    def deletion(self, account: str) -> str:
        """Return the JWT by which nats-server deletes an account."""
        signer = self._pair(OPERATOR_SIGNER, Kind.OPERATOR)
        about: dict[str, Any] = {"type": "generic", "version": 2, "accounts": [account]}
        return jwt.signed({"sub": signer.public, "nats": about}, signer, at_s=_now_s())

    def is_current(self, token: str) -> bool:
        """Return whether the current account signing key signed an account's JWT."""
        return bool(jwt.verified(token)["iss"] == self._pair(OPERATOR_SIGNER, Kind.OPERATOR).public)

    def rotate_operator(self) -> None:
        """Make a new key for signing accounts; operator.jwt then names it and the previous one.

        Raises KeysError while an earlier key is not retired, or without the operator's seed.
        """
        self._require_operator()
        if self._keys.has(OPERATOR_SIGNER_OLD):
            raise KeysError("the previous key is not retired yet: run pitbox keys retire-operator")
        self._pair(OPERATOR_SIGNER, Kind.OPERATOR)
        self._keys.rename(OPERATOR_SIGNER, OPERATOR_SIGNER_OLD)
        self.trust()

    def retire_operator(self) -> None:
        """Remove the previous signing key from operator.jwt; raises KeysError without the seed."""
        self._require_operator()
        self._keys.forget(OPERATOR_SIGNER_OLD)
        self.trust()

    def _require_operator(self) -> None:
        if not self._keys.has(OPERATOR):
            raise KeysError(f"put {OPERATOR}.seed into {self._keys.path} for this, then remove it")

    def rotate_drivers(self) -> None:
        """Make a new key for signing drivers; raises KeysError while an earlier is not retired."""
        if self._keys.has(DRIVER_SIGNER_OLD):
            raise KeysError("the previous key is not retired yet: run pitbox keys retire-drivers")
        self._public(DRIVER_SIGNER)
        self._keys.rename(DRIVER_SIGNER, DRIVER_SIGNER_OLD)

    def retire_drivers(self) -> None:
        """Delete the previous key for signing drivers."""
        self._keys.forget(DRIVER_SIGNER_OLD)

    def rotate_services(self) -> None:
        """Delete the keys of all services and their signing key; the next start makes new ones."""
        self._keys.forget(HUB_SIGNER)
        for file in self.users.glob("*.seed"):
            file.unlink()

    def _account_signers(self) -> list[str]:
        """Return the public keys that operator.jwt permits to sign accounts."""
        file = self._keys.path / "operator.jwt"
        found: list[str] = []
        if file.exists():
            found = jwt.verified(file.read_text())["nats"]["signing_keys"]
        return found

    def _operator(self, signer: str, system: str) -> str:
        """Return the operator's JWT, written again only while the operator's seed is present."""
        file = self._keys.path / "operator.jwt"
        if not file.exists() or self._keys.has(OPERATOR):
            operator = self._pair(OPERATOR, Kind.OPERATOR)
            signers = [signer]
            if self._keys.has(OPERATOR_SIGNER_OLD):
                signers.append(self._pair(OPERATOR_SIGNER_OLD, Kind.OPERATOR).public)
            about = claims.operator(operator.public, signers, system)
            write_private(file, jwt.signed(about, operator, at_s=_now_s()))
        token = file.read_text()
        about = jwt.verified(token)["nats"]
        if signer not in about["signing_keys"] or system != about["system_account"]:
            raise KeysError(
                f"{file} does not match the keys beside it: put {OPERATOR}.seed there for one "
                "start, and remove it afterwards"
            )
        return token

    def _write(self, name: str, allowed: Permissions, account: str, signer: KeyPair) -> None:
        pair = KeyFolder(self.users).pair(name, Kind.USER)
        token = jwt.signed(claims.user(pair.public, name, account, allowed), signer, at_s=_now_s())
        Credentials(token, pair).write(self.users / f"{name}{SUFFIX}")

    def _pair(self, name: str, kind: Kind = Kind.ACCOUNT) -> KeyPair:
        return self._held.get(name) or self._keys.pair(name, kind)

    def _public(self, name: str) -> str:
        return self._pair(name).public


def permitted(users: Path, name: str) -> dict[str, Any] | None:
    """Return the permissions in a user's credentials, as claims; None while there are none."""
    try:
        held = jwt.verified(credentials.read(users / f"{name}{SUFFIX}").jwt)["nats"]
    except KeysError:
        return None
    return {kind: held.get(kind) for kind in ("pub", "sub")}


def driver_credentials(
    authority: Authority, driver: str, *, expires_s: int
) -> tuple[str, Credentials]:
    """Make an account and one PC for a driver; return the account's JWT and the credentials."""
    pair = KeyPair.new(Kind.USER)
    account, token = authority.account(driver)
    user = authority.driver_user(driver, account, pair.public, expires_s=expires_s)
    return token, Credentials(user, pair)


def _now_s() -> int:
    return int(time.time())
