"""Where drivers' PCs reach nats-server, as they are told at enrolment."""

from typing import Final

from pitbox.address import is_loopback, is_own, why_not
from pitbox.settings import Settings, SettingsError

UNKNOWN: Final = (
    "drivers' PCs cannot be told where nats-server is: set PITBOX_GATEWAY__NATS_URL to the address "
    "by which they reach it"
)


def told(settings: Settings) -> str:
    """Return the address that drivers' PCs are told, "" when only this machine could use it.

    Raises SettingsError when it is none, or what is driven would travel in clear.
    """
    named = settings.gateway.nats_url
    if named:
        if reason := why_not(named):
            raise SettingsError(f"PITBOX_GATEWAY__NATS_URL: {reason}")
        return named
    own = settings.nats.url
    usable = not why_not(own) and (not is_own(own) or not _is_public(settings))
    return own if usable else ""


def _is_public(settings: Settings) -> bool:
    """Tell whether the pit wall is opened from elsewhere."""
    gateway = settings.gateway
    return not is_loopback(gateway.host) or bool(gateway.names or gateway.proxies)
