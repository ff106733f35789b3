"""Who may have signed a certificate: a file of one's own, else whom the system trusts."""

import ssl
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

UNKNOWN_SIGNER: Final = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's X509_V_ERR_… for a signer who is not known, the certificate itself among them."""


def authorities(file: Path) -> str:
    """Return the certificates of a file and nothing else that is in it, such as a key.

    Raises OSError; ValueError when it holds none.
    """
    found = x509.load_pem_x509_certificates(file.read_bytes())
    return "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in found)


def disbelief(error: ssl.SSLCertVerificationError, remedy: str) -> str:
    """Say why a certificate is not believed, and what to do where its signer is not known."""
    said = f"its certificate is not believed, {error.verify_message.rstrip('.')}"
    return f"{said}: {remedy}" if error.verify_code in UNKNOWN_SIGNER else said
