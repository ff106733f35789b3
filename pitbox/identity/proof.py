"""Make and check the proof that a PC at enrolment holds the private key of its public key."""

import base64
import binascii

from pitbox.identity import nkeys
from pitbox.identity.nkeys import KeyFormatError, KeyPair, Kind

PURPOSE = b"pitbox enrolment\n"


def prove(pair: KeyPair, code: str) -> str:
    """Return the proof for an enrolment code: base64 of an Ed25519 signature."""
    return base64.b64encode(pair.sign(_content(code, pair.public))).decode()


def proves(public: str, code: str, proof: str) -> bool:
    """Return whether the holder of a user's public key made the proof for this code."""
    try:
        signature = base64.b64decode(proof, validate=True)
        return nkeys.kind_of(public) is Kind.USER and nkeys.verify(
            public, _content(code, public), signature
        )
    except (KeyFormatError, binascii.Error, ValueError):
        return False


def _content(code: str, public: str) -> bytes:
    """Return the signed bytes; the prefix keeps signatures for other purposes from being reused."""
    return PURPOSE + code.encode() + b"\n" + public.encode()
