"""An authority that signs certificates, for the length of a test."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Sign certificates, into a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._made = trustme.CA()
        self.file = str(folder / "authority.pem")
        self._made.cert_pem.write_to_path(self.file)

    def files(self, *names: str) -> dict[str, str]:
        """Return settings with a new certificate for some names; it replaces the earlier files."""
        certificate, key = self._folder / f"{names[0]}.pem", self._folder / f"{names[0]}.key"
        leaf = self._made.issue_cert(*names)
        leaf.cert_chain_pems[0].write_to_path(str(certificate))
        leaf.private_key_pem.write_to_path(str(key))
        return {"certificate": str(certificate), "certificate_key": str(key)}

    @property
    def trusted(self) -> ssl.SSLContext:
        """Return a TLS context that trusts this authority alone."""
        return ssl.create_default_context(cafile=self.file)

    def shown(self, port: int, name: str = "127.0.0.1") -> str:
        """Return the certificate that a local port presents to a new connection."""
        return ssl.get_server_certificate((name, port), ca_certs=self.file, timeout=5)
