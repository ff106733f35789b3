"""Enrol this PC: make a key pair and send only its public half, with a code of the pit wall."""

import platform
import re
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from pitbox.identity.credentials import Credentials, keep_hub
from pitbox.identity.folder import KeysError
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.proof import prove
from pitbox.settings.address import NatsAddress, is_loopback
from pitbox.tls.authorities import authorities, disbelief

PATH: Final = "/api/v1/enrol"
ANSWER_S: Final = 15.0
MAX_ANSWER_BYTES: Final = 64_000
MAX_DETAIL: Final = 300
HOST: Final = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?")
NO_NAME: Final = re.compile(r"[^0-9A-Za-z._-]+")
MAX_NAME: Final = 64
UNTRUSTED: Final = (
    "if the hub has an authority of its own, ask the owner for its certificate, and add --ca FILE"
)
OTHER_SIGNER: Final = "no authority in the file of --ca signed it, ask the owner for the right one"


class Given(Struct, frozen=True):
    """Hold the pit wall's answer to a valid code."""

    driver: str
    jwt: str
    nats_url: str


class Refusal(Struct, frozen=True):
    """Hold the pit wall's reason for a refusal."""

    detail: str


def enrol(code_at_host: str, file: Path, ca: Path | None = None) -> str:
    """Enrol with `CODE@HOST`, store the credentials, and return the driver's name.

    `file` gets the credentials; files beside it get nats-server's address and the certificates of
    `ca`. The host is reached by TLS unless it is this machine. With `ca`, TLS trusts only its
    certificates, else those of the system. Raises KeysError with the next step to take.
    """
    code, _, host = code_at_host.rpartition("@")
    if not code or not HOST.fullmatch(host):
        raise KeysError(f"{code_at_host!r} is not CODE@HOST, as the pit wall shows it")
    certificates = _authorities(ca) if ca else ""
    pair = KeyPair.new(Kind.USER)
    wish = {
        "code": code,
        "public_key": pair.public,
        "proof": prove(pair, code),
        "pc": NO_NAME.sub("-", platform.node())[:MAX_NAME],
    }
    given = _ask(f"{scheme_of(host)}://{host}{PATH}", msgspec.json.encode(wish), certificates)
    made = Credentials(given.jwt, pair)
    if made.name != given.driver:
        raise KeysError("the pit wall gave the credentials of somebody else")
    try:
        NatsAddress(given.nats_url)
    except ValueError as error:
        raise KeysError(f"the pit wall names a nats-server that cannot be used: {error}") from None
    keep_hub(file, given.nats_url, certificates)
    made.write(file)
    return given.driver


def scheme_of(host: str) -> str:
    """Return the URL scheme for a host: "http" only for this machine."""
    matched = HOST.fullmatch(host)
    return "http" if matched and is_loopback(matched[1].strip("[]")) else "https"


def _authorities(ca: Path) -> str:
    try:
        return authorities(ca)
    except OSError as error:
        raise KeysError(f"--ca: cannot read {ca}: {error.strerror}") from None
    except ValueError:
        raise KeysError(
            f"--ca: {ca} holds no certificate: it takes one or more, as text that begins with "
            "-----BEGIN CERTIFICATE-----"
        ) from None


def _ask(url: str, body: bytes, certificates: str) -> Given:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    tls = url.startswith("https:")
    trust = ssl.create_default_context(cadata=certificates or None) if tls else None
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S, context=trust) as answer:
            return msgspec.json.decode(answer.read(MAX_ANSWER_BYTES), type=Given)
    except urllib.error.HTTPError as error:
        with error:
            raise KeysError(f"the pit wall refuses ({error.code}): {_reason(error)}") from None
    except (OSError, msgspec.MsgspecError) as error:
        reason: object = getattr(error, "reason", error)  # urllib's own error holds another
        if isinstance(reason, ssl.SSLCertVerificationError):
            reason = disbelief(reason, OTHER_SIGNER if certificates else UNTRUSTED)
        raise KeysError(f"no answer from the pit wall at {url}: {reason}") from None


def _reason(error: urllib.error.HTTPError) -> str:
    """Return the reason of a refusal: the answer's own text when it is short and printable."""
    try:
        detail = msgspec.json.decode(error.read(MAX_ANSWER_BYTES), type=Refusal).detail
    except (OSError, msgspec.MsgspecError):
        detail = ""
    fit = detail.isprintable() and 0 < len(detail) <= MAX_DETAIL
    return detail if fit else "a code is good once and for ten minutes; ask for another"
