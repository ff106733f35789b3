"""The keys of a hub and what they sign: the one place where identities are made.

The operator's seed signs only which key signs accounts. Once that is written it is not needed
again, and should be kept elsewhere.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from pitbox.identity import claims, jwt, permissions
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
"""The user of the system's account that tells nats-server of accounts, and asks what they do."""

CLAIMS_MAY: Final = Permissions(
    publish=(
        "$SYS.REQ.CLAIMS.UPDATE",
        "$SYS.REQ.CLAIMS.DELETE",
        "$SYS.REQ.CLAIMS.LIST",
        "$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP",
        "$SYS.REQ.ACCOUNT.PING.STATZ",
    ),
    subscribe=(f"{permissions.inbox(CLAIMS)}.>",),
)


class Trust(Struct, frozen=True):
    """Hold what nats-server has to know from the start; none of it is secret."""

    operator: str
    system: str
    accounts: dict[str, str]


class Authority:
    """Sign for a hub, with the keys of one folder."""

    def __init__(self, folder: Path, topology: Topology) -> None:
        """Open the folder, making what is lacking; raises KeysError when it cannot be used."""
        self._keys = KeyFolder(folder)
        self._topology = topology
        self._held: dict[str, KeyPair] = {}

    @property
    def users(self) -> Path:
        """Return the folder with the credentials of every service."""
        return self._keys.path / USERS

    def trust(self) -> Trust:
        """Return what nats-server is to trust: operator, and the accounts of the hub."""
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
        """Raise KeysError when the key that signs accounts is not the one that was claimed.

        From here on drivers are signed for with the keys of now, also when others take their place.
        """
        if self._pair(OPERATOR_SIGNER, Kind.OPERATOR).public not in self._vouched():
            raise KeysError(f"{self._keys.path}: no nats-server was ever started with these keys")
        self._held = {
            OPERATOR_SIGNER: self._pair(OPERATOR_SIGNER, Kind.OPERATOR),
            DRIVER_SIGNER: self._pair(DRIVER_SIGNER),
        }

    def driver_of(self, token: str) -> str:
        """Return whose account a JWT is, "" unless it is a driver's and of this hub."""
        try:
            about = jwt.verified(token)
        except jwt.ClaimsError:
            return ""
        _, is_driver, driver = about.get("name", "").partition(claims.DRIVER)
        return driver if is_driver and about["iss"] in self._vouched() else ""

    def own_accounts(self) -> set[str]:
        """Return the public keys of the accounts of system and hub."""
        return {self._public(SYSTEM), self._public(HUB)}

    def write_users(self) -> Path:
        """Write credentials for every service as streams.yaml is now; return their folder."""
        for name, allowed in permissions.users(self._topology).items():
            self.write_user(name, allowed)
        system = self._public(SYSTEM)
        self._write(CLAIMS, CLAIMS_MAY, system, self._pair(SYSTEM_SIGNER))
        return self.users

    def write_user(self, name: str, allowed: Permissions) -> None:
        """Write credentials for one user of the hub's account."""
        self._write(name, allowed, self._public(HUB), self._pair(HUB_SIGNER))

    def account(self, driver: str) -> tuple[str, str]:
        """Make a driver's account; return its public key and its JWT.

        Its own seed is thrown away: only the operator's signing key ever changes it.
        """
        public = KeyPair.new(Kind.ACCOUNT).public
        return public, self.account_again(driver, public)

    def account_again(
        self, driver: str, public: str, revocations: Mapping[str, int] = NOBODY
    ) -> str:
        """Return the JWT of an account that exists, as streams.yaml is now.

        `revocations` say of each PC that is shut out when it was, in s since 1970.
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
        """Return the JWT of a driver's PC, signed later than it was shut out."""
        about = claims.driver_user(public, driver, account, expires_s=expires_s)
        at_s = max(_now_s(), after_s + 1)
        return jwt.signed(about, self._pair(DRIVER_SIGNER), at_s=at_s)

    def deletion(self, account: str) -> str:
        """Return the order to delete an account, as nats-server takes it."""
        signer = self._pair(OPERATOR_SIGNER, Kind.OPERATOR)
        about: dict[str, Any] = {"type": "generic", "version": 2, "accounts": [account]}
        return jwt.signed({"sub": signer.public, "nats": about}, signer, at_s=_now_s())

    def is_current(self, token: str) -> bool:
        """Tell whether an account is signed by the key that signs accounts now."""
        return bool(jwt.verified(token)["iss"] == self._pair(OPERATOR_SIGNER, Kind.OPERATOR).public)

    def rotate_operator(self) -> None:
        """Sign accounts with a new key, which the operator vouches for beside the older one.

        Raises KeysError while an older one is not retired, or without the operator's seed.
        """
        self._needs_operator()
        if self._keys.has(OPERATOR_SIGNER_OLD):
            raise KeysError("the key before is not retired yet: `pitbox keys retire-operator`")
        self._pair(OPERATOR_SIGNER, Kind.OPERATOR)
        self._keys.rename(OPERATOR_SIGNER, OPERATOR_SIGNER_OLD)
        self.trust()

    def retire_operator(self) -> None:
        """Let the operator vouch for the new key alone; raises KeysError without his seed."""
        self._needs_operator()
        self._keys.forget(OPERATOR_SIGNER_OLD)
        self.trust()

    def _needs_operator(self) -> None:
        if not self._keys.has(OPERATOR):
            raise KeysError(f"put {OPERATOR}.seed into {self._keys.path} for this, then away again")

    def rotate_drivers(self) -> None:
        """Sign drivers with a new key; raises KeysError while an older one is not retired."""
        if self._keys.has(DRIVER_SIGNER_OLD):
            raise KeysError("the key before is not retired yet: `pitbox keys retire-drivers`")
        self._public(DRIVER_SIGNER)
        self._keys.rename(DRIVER_SIGNER, DRIVER_SIGNER_OLD)

    def retire_drivers(self) -> None:
        """Forget the key that signed drivers before."""
        self._keys.forget(DRIVER_SIGNER_OLD)

    def rotate_services(self) -> None:
        """Forget the keys of all services, and the one that signed them."""
        self._keys.forget(HUB_SIGNER)
        for file in self.users.glob("*.seed"):
            file.unlink()

    def _vouched(self) -> list[str]:
        """Return the keys that sign accounts in the operator's name."""
        file = self._keys.path / "operator.jwt"
        found: list[str] = []
        if file.exists():
            found = jwt.verified(file.read_text())["nats"]["signing_keys"]
        return found

    def _operator(self, signer: str, system: str) -> str:
        """Return the operator's JWT, written anew only while its seed is here."""
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
                f"{file} is of other keys than those beside it: put {OPERATOR}.seed there for one "
                "start, then take it away again"
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
