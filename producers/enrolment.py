"""Enrol this PC: a key is made here, and only its public half leaves it."""

import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from pitbox.identity.credentials import Credentials
from pitbox.identity.folder import KeysError
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.proof import prove

PATH: Final = "/api/v1/enrol"
ANSWER_S: Final = 15.0
MAX_ANSWER_BYTES: Final = 64_000
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


class Given(Struct, frozen=True):
    """Hold what the pit wall gives for a code."""

    driver: str
    jwt: str


def enrol(code_at_host: str, file: Path) -> str:
    """Enrol with `CODE@HOST`, keep the credentials in a file, and return the driver's name.

    The host is reached by TLS unless it is this machine. Raises KeysError saying what to do.
    """
    code, at, host = code_at_host.rpartition("@")
    if not (code and at and host):
        raise KeysError(f"{code_at_host!r} is not CODE@HOST, as the pit wall shows it")
    pair = KeyPair.new(Kind.USER)
    wish = {"code": code, "public_key": pair.public, "proof": prove(pair, code)}
    given = _ask(f"{_scheme(host)}://{host}{PATH}", msgspec.json.encode(wish))
    made = Credentials(given.jwt, pair)
    if made.name != given.driver:
        raise KeysError("the pit wall gave the credentials of somebody else")
    made.write(file)
    return given.driver


def _scheme(host: str) -> str:
    return "http" if host.rsplit(":", 1)[0] in LOOPBACK or host in LOOPBACK else "https"


def _ask(url: str, body: bytes) -> Given:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(
            request, timeout=ANSWER_S, context=ssl.create_default_context()
        ) as answer:
            return msgspec.json.decode(answer.read(MAX_ANSWER_BYTES), type=Given)
    except urllib.error.HTTPError as error:
        with error:
            raise KeysError(
                f"the pit wall refuses the code ({error.code}): it is good once and for ten "
                "minutes; ask for another"
            ) from None
    except (OSError, msgspec.MsgspecError) as error:
        raise KeysError(f"no answer from the pit wall at {url}: {error}") from None
