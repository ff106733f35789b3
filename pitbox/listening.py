"""What holds for everything that listens: beyond this machine only by TLS."""

import ssl
from typing import Final

from pitbox.address import is_loopback
from pitbox.settings import Listener, SettingsError

EVERYWHERE: Final = ("0.0.0.0", "::")


def check(group: str, given: Listener, *, is_behind_proxy: bool = False, or_else: str = "") -> None:
    """Raise SettingsError unless what is said there is safe from who may listen in.

    `group` is where its settings stand; `or_else` says what else would do.
    """
    prefix = f"PITBOX_{group}__"
    if bool(given.certificate) != bool(given.certificate_key):
        lacking = "CERTIFICATE_KEY" if given.certificate else "CERTIFICATE"
        raise SettingsError(f"{prefix}{lacking}: set both files, certificate and key")
    if not is_loopback(given.host) and not given.certificate and not is_behind_proxy:
        raise SettingsError(
            f"{prefix}HOST: {given.host} is reached from elsewhere, where nothing must travel in "
            f"clear: set {prefix}CERTIFICATE and {prefix}CERTIFICATE_KEY{or_else}"
        )
    if given.certificate:
        context(group, given)


def context(group: str, given: Listener) -> ssl.SSLContext:
    """Return what a server speaks TLS with; raises SettingsError when the files are of no use."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        made.load_cert_chain(given.certificate, given.certificate_key)
    except OSError as error:
        reason = f"cannot use {given.certificate} with its key: {error.strerror or error}"
        raise SettingsError(f"PITBOX_{group}__CERTIFICATE: {reason}") from None
    return made


def reached_at(host: str) -> str:
    """Return where this machine itself reaches what listens on an address."""
    return "127.0.0.1" if host in EVERYWHERE else host


def bracketed(host: str) -> str:
    """Return a host as it stands before a port."""
    return f"[{host}]" if ":" in host else host
