"""Enrol this PC: a key is made here, and only its public half leaves it."""

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
MAX_WORDS: Final = 300
HOST: Final = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?")
NO_NAME: Final = re.compile(r"[^0-9A-Za-z._-]+")
MAX_NAME: Final = 64
UNTRUSTED: Final = (
    "if the hub has an authority of its own, ask the owner for its certificate, and add --ca FILE"
)
OTHER_SIGNER: Final = "nobody in the file of --ca signed it, ask the owner for the right one"


class Given(Struct, frozen=True):
    """Hold what the pit wall gives for a code."""

    driver: str
    jwt: str
    nats_url: str


class Refusal(Struct, frozen=True):
    """Hold why the pit wall gives nothing."""

    detail: str


def enrol(code_at_host: str, file: Path, ca: Path | None = None) -> str:
    """Enrol with `CODE@HOST`, keep what was given beside a file, and return the driver's name.

    Credentials go into the file, the address of nats-server and who is in `ca` into those beside
    it. The host is reached by TLS unless it is this machine; who is in `ca` is then believed alone,
    whom the system trusts without it. Raises KeysError saying what to do.
    """
    code, _, host = code_at_host.rpartition("@")
    if not code or not HOST.fullmatch(host):
        raise KeysError(f"{code_at_host!r} is not CODE@HOST, as the pit wall shows it")
    believed = _authorities(ca) if ca else ""
    pair = KeyPair.new(Kind.USER)
    wish = {
        "code": code,
        "public_key": pair.public,
        "proof": prove(pair, code),
        "pc": NO_NAME.sub("-", platform.node())[:MAX_NAME],
    }
    given = _ask(f"{scheme_of(host)}://{host}{PATH}", msgspec.json.encode(wish), believed)
    made = Credentials(given.jwt, pair)
    if made.name != given.driver:
        raise KeysError("the pit wall gave the credentials of somebody else")
    try:
        NatsAddress(given.nats_url)
    except ValueError as error:
        raise KeysError(f"the pit wall names a nats-server that cannot be used: {error}") from None
    keep_hub(file, given.nats_url, believed)
    made.write(file)
    return given.driver


def scheme_of(host: str) -> str:
    """Return how a host is reached: in clear only when it is this machine."""
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


def _ask(url: str, body: bytes, believed: str) -> Given:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    tls = url.startswith("https:")
    trust = ssl.create_default_context(cadata=believed or None) if tls else None
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S, context=trust) as answer:
            return msgspec.json.decode(answer.read(MAX_ANSWER_BYTES), type=Given)
    except urllib.error.HTTPError as error:
        with error:
            raise KeysError(f"the pit wall refuses ({error.code}): {_reason(error)}") from None
    except (OSError, msgspec.MsgspecError) as error:
        reason: object = getattr(error, "reason", error)  # urllib's own error holds another
        if isinstance(reason, ssl.SSLCertVerificationError):
            reason = disbelief(reason, OTHER_SIGNER if believed else UNTRUSTED)
        raise KeysError(f"no answer from the pit wall at {url}: {reason}") from None


def _reason(error: urllib.error.HTTPError) -> str:
    """Return why it refuses, in its own words when these are fit to be printed."""
    try:
        told = msgspec.json.decode(error.read(MAX_ANSWER_BYTES), type=Refusal).detail
    except (OSError, msgspec.MsgspecError):
        told = ""
    fit = told.isprintable() and 0 < len(told) <= MAX_WORDS
    return told if fit else "a code is good once and for ten minutes; ask for another"
