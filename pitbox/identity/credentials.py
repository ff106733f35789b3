"""The file with which one user connects: its JWT and its seed, as every NATS client writes them.

It is read anew for each connection, so that a renewed one needs no restart.
"""

import base64
import contextlib
import os
import re
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pitbox import settings
from pitbox.identity import jwt
from pitbox.identity.folder import KeysError, read_private, refuse_loose, write_private
from pitbox.identity.nkeys import KeyFormatError, KeyPair
from pitbox.identity.permissions import DRIVER, SETUP, inbox
from pitbox.settings import Settings

SUFFIX: Final = ".creds"
ADDRESS_SUFFIX: Final = ".url"
AUTHORITIES_SUFFIX: Final = ".ca.pem"
OF_DRIVER: Final = "~/.config/pitbox/driver.creds"
"""Where the driver's PC keeps its credentials unless it is told otherwise."""

PARTS: Final = re.compile(r"-----BEGIN [A-Z ]+-----\s+(\S+)\s+------?END [A-Z ]+------?")
TEXT: Final = """\
-----BEGIN NATS USER JWT-----
{jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
{seed}
------END USER NKEY SEED------
"""


class Claimed(Struct, frozen=True):
    """Hold what a user's JWT says of itself."""

    name: str
    sub: str
    iat: int
    exp: int = 0


class Credentials:
    """Hold the JWT and the key pair of one user; the secret is never shown."""

    def __init__(self, token: str, pair: KeyPair) -> None:
        """Take both; raises KeysError when they do not belong together."""
        try:
            self.claimed = msgspec.convert(jwt.verified(token), Claimed)
        except (jwt.ClaimsError, msgspec.ValidationError) as error:
            raise KeysError(f"the JWT cannot be used: {error}") from None
        if self.claimed.sub != pair.public:
            raise KeysError("JWT and seed belong to different users")
        self.jwt = token
        self.pair = pair

    @property
    def name(self) -> str:
        """Return who this is: the driver, or the service."""
        return self.claimed.name

    @property
    def renewed_s(self) -> float:
        """Return from when on they should be renewed: two thirds of their life are over."""
        return self.claimed.iat + (self.claimed.exp - self.claimed.iat) * 2 / 3

    def write(self, path: Path) -> None:
        """Keep them in a file that only its owner may read."""
        write_private(path, TEXT.format(jwt=self.jwt, seed=self.pair.seed))


class Identity:
    """Be the user of a file, as that is when a connection is made."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises KeysError."""
        self.file = path
        self._credentials = read(path)

    def options(self) -> dict[str, Any]:
        """Return how a NATS client connects as this user."""
        return {
            "signature_cb": self._sign,
            "user_jwt_cb": lambda: bytearray(self._credentials.jwt.encode()),
            "inbox_prefix": inbox(self._credentials.name),
        }

    def _sign(self, nonce: str) -> bytes:
        """Sign what nats-server asks for first; a file that cannot be read now was read before."""
        with contextlib.suppress(KeysError):
            self._credentials = read(self.file)
        return base64.b64encode(self._credentials.pair.sign(nonce.encode()))


def read(path: Path) -> Credentials:
    """Read the credentials of one user; raises KeysError naming the file."""
    found = PARTS.findall(read_private(path))
    if len(found) != 2:
        raise KeysError(f"{path}: this is no file of NATS credentials")
    try:
        return Credentials(found[0], KeyPair.of_seed(found[1]))
    except (KeysError, KeyFormatError) as error:
        raise KeysError(f"{path}: {error}") from None


def driving() -> Settings:
    """Return the settings of the driver who is enrolled on this PC.

    The address of nats-server, and who signed its certificate, are as they were at enrolment,
    unless a setting says otherwise. Raises KeysError when nobody is enrolled, or somebody else than
    the settings name; SettingsError as `load`.
    """
    file = file_of(settings.load().nats.credentials, DRIVER)
    loaded = settings.load({**_told(file), **os.environ})
    if not file.exists():
        raise KeysError(
            f"nobody is enrolled on this PC, there is no {file}: take a code from the pit wall, "
            "then `pitbox drive --enrol CODE@HOST`"
        )
    enrolled, named = read(file).name, loaded.driver.name
    if named and named != enrolled:
        raise KeysError(f"PITBOX_DRIVER__NAME: {file} is of {enrolled}, not of {named}")
    return replace(loaded, driver=replace(loaded.driver, name=enrolled))


def keep_hub(file: Path, url: str, authorities: str = "") -> None:
    """Keep beside the credentials of a driver where to drive to, and who vouches for that place.

    Without `authorities` it is whom the system trusts.
    """
    write_private(file.with_suffix(ADDRESS_SUFFIX), f"{url}\n")
    kept = file.with_suffix(AUTHORITIES_SUFFIX)
    if authorities:
        write_private(kept, authorities)
    else:
        kept.unlink(missing_ok=True)


def _told(file: Path) -> dict[str, str]:
    """Return what was kept of the hub at enrolment, as settings."""
    address, authorities = map(file.with_suffix, (ADDRESS_SUFFIX, AUTHORITIES_SUFFIX))
    told = {}
    if address.exists():
        told["PITBOX_NATS__URL"] = read_private(address).strip()
    if authorities.exists():
        refuse_loose(authorities)
        told["PITBOX_NATS__CA"] = str(authorities)
    return told


def file_of(setting: str, service: str) -> Path:
    """Return the file of a service: the setting names it, or the folder that has one for each.

    Raises KeysError when the setting is empty, but for a driver's PC, which has a usual place.
    """
    if not setting and service == DRIVER:
        return Path(OF_DRIVER).expanduser()
    if not setting:
        raise KeysError(
            "PITBOX_NATS__CREDENTIALS: not set, and there is no way in without: it names the file "
            "of credentials, or the folder with one for each program"
        )
    path = Path(setting).expanduser()
    return path / f"{service or SETUP}{SUFFIX}" if path.is_dir() else path


def account_of(token: str) -> str:
    """Return the public key of the account that a user's JWT belongs to; raises ClaimsError."""
    return str(jwt.verified(token)["nats"]["issuer_account"])
