"""What a driver's PC shows at enrolment: that it holds the key whose public half it sends."""

import base64
import binascii

from pitbox.identity import nkeys
from pitbox.identity.nkeys import KeyFormatError, KeyPair, Kind

PURPOSE = b"pitbox enrolment\n"


def prove(pair: KeyPair, code: str) -> str:
    """Return the proof that goes with a code: base64 of a signature of 64 bytes."""
    return base64.b64encode(pair.sign(_content(code, pair.public))).decode()


def proves(public: str, code: str, proof: str) -> bool:
    """Tell whether the holder of a user's public key made the proof for this code."""
    try:
        signature = base64.b64decode(proof, validate=True)
        return nkeys.kind_of(public) is Kind.USER and nkeys.verify(
            public, _content(code, public), signature
        )
    except (KeyFormatError, binascii.Error, ValueError):
        return False


def _content(code: str, public: str) -> bytes:
    """Return what is signed: no signature made for anything else looks like it."""
    return PURPOSE + code.encode() + b"\n" + public.encode()
