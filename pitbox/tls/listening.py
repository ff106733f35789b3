"""Check that a listener beyond this machine uses TLS, and renew its certificate while it runs."""

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
    """Return the TLS context of a listener, None for one in clear on loopback or behind a proxy.

    Raises SettingsError for a listener in clear beyond loopback, and when the files cannot be used.
    `group` is the group of its settings; `or_else` adds an alternative to the error message.
    """
    prefix = f"PITBOX_{group}__"
    if bool(given.certificate) != bool(given.certificate_key):
        lacking = "CERTIFICATE_KEY" if given.certificate else "CERTIFICATE"
        raise SettingsError(f"{prefix}{lacking}: set both, the certificate's file and its key's")
    if not is_loopback(given.host) and not given.certificate and not is_behind_proxy:
        raise SettingsError(
            f"{prefix}HOST: {given.host} can be reached from other machines, which takes TLS: "
            f"set {prefix}CERTIFICATE and {prefix}CERTIFICATE_KEY{or_else}"
        )
    if not given.certificate:
        return None
    try:
        return _renewing(given)
    except OSError as error:
        raise SettingsError(f"{prefix}CERTIFICATE: {_reason(given, error)}") from None


def stamp(given: Listener) -> tuple[int, ...]:
    """Return a fingerprint of the certificate's files; () while one is missing or none is set."""
    # An empty path would be the working folder, whose fingerprint changes with every new file.
    if not given.certificate:
        return ()
    try:
        found = [Path(file).stat() for file in (given.certificate, given.certificate_key)]
    except OSError:
        return ()
    return tuple(number for one in found for number in (one.st_ino, one.st_mtime_ns))


def _renewing(given: Listener) -> ssl.SSLContext:
    """Return a context that loads changed files at the next handshake, if they are valid."""
    seen = stamp(given)
    first = latest = _loaded(given)

    def renew(connection: ssl.SSLObject, _name: str, _context: ssl.SSLContext) -> None:
        nonlocal seen, latest
        if (now := stamp(given)) != seen:
            seen = now
            try:
                latest = _loaded(given)
                log.info("certificate renewed", certificate=given.certificate)
            except OSError as error:
                log.warning("certificate not renewed", reason=_reason(given, error))
        connection.context = latest

    first.sni_callback = renew
    return first


def _loaded(given: Listener) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Without a password argument OpenSSL would ask for an encrypted key's passphrase on a terminal.
    made.load_cert_chain(given.certificate, given.certificate_key, password="")
    return made


def _reason(given: Listener, error: OSError) -> str:
    return f"cannot use {given.certificate} with its key: {error.strerror or error}"


def reached_at(host: str) -> str:
    """Return the address by which this machine reaches its own listener on `host`."""
    return "127.0.0.1" if host in EVERYWHERE else host


def bracketed(host: str) -> str:
    """Return a host as it is written before `:PORT`: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
