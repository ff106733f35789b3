"""Read certificate authorities, and explain why a certificate is not trusted."""

import ssl
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

UNKNOWN_SIGNER: Final = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's X509_V_ERR_… codes for an unknown signer, self-signed certificates included."""


def authorities(file: Path) -> str:
    """Return a file's certificates as PEM, without anything else in it, such as a key.

    Raises OSError; ValueError when the file has none.
    """
    found = x509.load_pem_x509_certificates(file.read_bytes())
    return "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in found)


def disbelief(error: ssl.SSLCertVerificationError, remedy: str) -> str:
    """Return why a certificate is not trusted, with the remedy if its signer is unknown."""
    reason = f"its certificate is not trusted, {error.verify_message.rstrip('.')}"
    return f"{reason}: {remedy}" if error.verify_code in UNKNOWN_SIGNER else reason
