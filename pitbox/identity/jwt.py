"""Sign and verify nats-server's JWTs: algorithm `ed25519-nkey`, version 2.

The format is that of github.com/nats-io/jwt.
"""

import base64
import binascii
import hashlib
from typing import Any, Final

import msgspec

from pitbox.identity import nkeys
from pitbox.identity.nkeys import KeyPair

HEADER: Final = {"typ": "JWT", "alg": "ed25519-nkey"}
MAX_BYTES: Final = 64_000


class ClaimsError(ValueError):
    """Report why a JWT is not valid; the message never contains the JWT."""


def signed(claims: dict[str, Any], signer: KeyPair, *, at_s: int) -> str:
    """Return claims as a JWT, issued by `signer` at `at_s` (s since 1970).

    `claims` has `sub`, NATS's own claims as `nats`, and optionally `name` and `exp`.
    """
    body = claims | {"iat": at_s, "iss": signer.public}
    digest = hashlib.sha256(msgspec.json.encode(body, order="deterministic")).digest()
    body["jti"] = base64.b32encode(digest).decode().rstrip("=")
    content = f"{_part(HEADER)}.{_part(body)}"
    return f"{content}.{_text(signer.sign(content.encode()))}"


def verified(token: str) -> dict[str, Any]:
    """Verify a JWT's signature by its issuer and return its claims; raises ClaimsError.

    Whether to trust the issuer (`iss`) is up to the caller.
    """
    if len(token) > MAX_BYTES:
        raise ClaimsError(f"the JWT is longer than {MAX_BYTES} bytes")
    try:
        header, body, signature = token.split(".")
        if msgspec.json.decode(_bytes(header)) != HEADER:
            raise ClaimsError("the JWT has another algorithm than ed25519-nkey")
        claims = msgspec.json.decode(_bytes(body), type=dict[str, Any])
        content = f"{header}.{body}".encode()
        if not nkeys.verify(str(claims["iss"]), content, _bytes(signature)):
            raise ClaimsError("the signature of the JWT is wrong")
    except (ValueError, KeyError, msgspec.MsgspecError) as error:
        if isinstance(error, ClaimsError):
            raise
        raise ClaimsError("this is not a JWT of nats-server") from None
    return claims


def claims_of(token: str) -> dict[str, Any]:
    """Return a JWT's claims without `iat` and `jti`, for comparison; raises ClaimsError."""
    claims = verified(token)
    return {name: value for name, value in claims.items() if name not in {"iat", "jti"}}


def _part(value: dict[str, Any]) -> str:
    return _text(msgspec.json.encode(value, order="deterministic"))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
