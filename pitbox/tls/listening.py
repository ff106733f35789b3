"""What holds for everything that listens: beyond this machine only by TLS."""

import ssl
from pathlib import Path
from typing import Final

from pitbox import logs
from pitbox.settings import Listener, SettingsError
from pitbox.settings.address import is_loopback

EVERYWHERE: Final = ("0.0.0.0", "::")

log = logs.get("listening")


def check(
    group: str, given: Listener, *, is_behind_proxy: bool = False, or_else: str = ""
) -> ssl.SSLContext | None:
    """Return what to speak TLS with, None for in clear, where nobody may listen in.

    Raises SettingsError where somebody may, and when the files are of no use. `group` is where its
    settings stand; `or_else` says what else would do.
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
    if not given.certificate:
        return None
    try:
        return _renewing(given)
    except OSError as error:
        raise SettingsError(f"{prefix}CERTIFICATE: {_reason(given, error)}") from None


def stamp(given: Listener) -> tuple[int, ...]:
    """Return what is another when the files of a certificate are; () while one is not there.

    Where none is set, it is never there: an empty path would stand for the folder of now.
    """
    if not given.certificate:
        return ()
    try:
        found = [Path(file).stat() for file in (given.certificate, given.certificate_key)]
    except OSError:
        return ()
    return tuple(number for one in found for number in (one.st_ino, one.st_mtime_ns))


def _renewing(given: Listener) -> ssl.SSLContext:
    """Return a context that takes other files at the next handshake, if they are of use."""
    seen = stamp(given)
    first = latest = _loaded(given)

    def renew(connection: ssl.SSLObject, _name: str, _context: ssl.SSLContext) -> None:
        nonlocal seen, latest
        if (now := stamp(given)) != seen:
            seen = now
            try:
                latest = _loaded(given)
                log.info("the certificate was renewed", certificate=given.certificate)
            except OSError as error:
                log.warning("the old certificate stays", reason=_reason(given, error))
        connection.context = latest

    first.sni_callback = renew
    return first


def _loaded(given: Listener) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # With a passphrase, a terminal would be asked for it.
    made.load_cert_chain(given.certificate, given.certificate_key, password="")
    return made


def _reason(given: Listener, error: OSError) -> str:
    return f"cannot use {given.certificate} with its key: {error.strerror or error}"


def reached_at(host: str) -> str:
    """Return where this machine itself reaches what listens on an address."""
    return "127.0.0.1" if host in EVERYWHERE else host


def bracketed(host: str) -> str:
    """Return a host as it stands before a port."""
    return f"[{host}]" if ":" in host else host
