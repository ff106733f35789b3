"""Read and write the credentials file of one user: its JWT and its seed, in NATS's .creds format.

The file is read again for each connection, so that a renewed JWT needs no restart.
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
"""The default file of a driver's PC."""

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
    """Hold the claims of a user's JWT; times in s since 1970."""

    name: str
    sub: str
    iat: int
    exp: int = 0


class Credentials:
    """Hold the JWT and the key pair of one user; printing it shows no secret."""

    def __init__(self, token: str, pair: KeyPair) -> None:
        """Verify the JWT; raises KeysError when it is invalid or the key pair is another user's."""
        try:
            self.claimed = msgspec.convert(jwt.verified(token), Claimed)
        except (jwt.ClaimsError, msgspec.ValidationError) as error:
            raise KeysError(f"the JWT is not valid: {error}") from None
        if self.claimed.sub != pair.public:
            raise KeysError("JWT and seed belong to different users")
        self.jwt = token
        self.pair = pair

    @property
    def name(self) -> str:
        """Return the name of the driver or the service."""
        return self.claimed.name

    @property
    def renewed_s(self) -> float:
        """Return when to renew the JWT, in s since 1970: after two thirds of its lifetime."""
        return self.claimed.iat + (self.claimed.exp - self.claimed.iat) * 2 / 3

    def write(self, path: Path) -> None:
        """Write a file that only its owner may read."""
        write_private(path, TEXT.format(jwt=self.jwt, seed=self.pair.seed))


class Identity:
    """Authenticate connections as the user of a credentials file, read again for each."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises KeysError."""
        self.file = path
        self._credentials = read(path)

    def options(self) -> dict[str, Any]:
        """Return the options of `nats.connect` for this user."""
        return {
            "signature_cb": self._sign,
            "user_jwt_cb": lambda: bytearray(self._credentials.jwt.encode()),
            "inbox_prefix": inbox(self._credentials.name),
        }

    def _sign(self, nonce: str) -> bytes:
        """Sign nats-server's nonce; when the file cannot be read now, use the last one read."""
        with contextlib.suppress(KeysError):
            self._credentials = read(self.file)
        return base64.b64encode(self._credentials.pair.sign(nonce.encode()))


def read(path: Path) -> Credentials:
    """Read the credentials of one user; raises KeysError naming the file."""
    found = PARTS.findall(read_private(path))
    if len(found) != 2:
        raise KeysError(f"{path}: this is not a NATS credentials file")
    try:
        return Credentials(found[0], KeyPair.of_seed(found[1]))
    except (KeysError, KeyFormatError) as error:
        raise KeysError(f"{path}: {error}") from None


def driving(usual: str = OF_DRIVER) -> Settings:
    """Return the settings of the driver enrolled on this PC, by default in the `usual` file.

    nats-server's address and the authorities of its certificate are those kept at enrolment, unless
    a setting overrides them. Raises KeysError when nobody is enrolled, or the settings name another
    driver; SettingsError as `load`.
    """
    file = file_of(settings.load().nats.credentials, DRIVER, usual)
    loaded = settings.load({**_kept_hub(file), **os.environ})
    if not file.exists():
        raise KeysError(
            f"this PC is not enrolled ({file} does not exist): get a code from the pit wall, then "
            "run pitbox drive --enrol CODE@HOST"
        )
    enrolled, named = read(file).name, loaded.driver.name
    if named and named != enrolled:
        raise KeysError(
            f"PITBOX_DRIVER__NAME is {named}, but {file} belongs to {enrolled}: unset it, or enrol "
            f"this PC for {named}"
        )
    return replace(loaded, driver=replace(loaded.driver, name=enrolled))


def keep_hub(file: Path, url: str, authorities: str = "") -> None:
    """Store nats-server's address, and the authorities of its certificate, beside a driver's file.

    `authorities` are PEM certificates; "" for those that the system trusts.
    """
    write_private(file.with_suffix(ADDRESS_SUFFIX), f"{url}\n")
    kept = file.with_suffix(AUTHORITIES_SUFFIX)
    if authorities:
        write_private(kept, authorities)
    else:
        kept.unlink(missing_ok=True)


def _kept_hub(file: Path) -> dict[str, str]:
    """Return what `keep_hub` stored, as environment variables."""
    address, authorities = map(file.with_suffix, (ADDRESS_SUFFIX, AUTHORITIES_SUFFIX))
    kept = {}
    if address.exists():
        kept["PITBOX_NATS__URL"] = read_private(address).strip()
    if authorities.exists():
        refuse_loose(authorities)
        kept["PITBOX_NATS__CA"] = str(authorities)
    return kept


def file_of(setting: str, service: str, usual: str = OF_DRIVER) -> Path:
    """Return the credentials file of a service.

    `setting` is the file, or a folder with one file per service. Raises KeysError when it is empty;
    only a driver's PC has a `usual` one.
    """
    if not setting and service == DRIVER:
        return Path(usual).expanduser()
    if not setting:
        raise KeysError(
            "PITBOX_NATS__CREDENTIALS is not set: set it to the credentials file, or to the folder "
            "with one for each program"
        )
    path = Path(setting).expanduser()
    return path / f"{service or SETUP}{SUFFIX}" if path.is_dir() else path


def account_of(token: str) -> str:
    """Return the public key of the account that a user's JWT belongs to; raises ClaimsError."""
    return str(jwt.verified(token)["nats"]["issuer_account"])
