"""Where drivers' PCs reach nats-server, as they are told at enrolment."""

from typing import Final

from pitbox.settings import Settings, SettingsError
from pitbox.settings.address import NatsAddress, is_loopback

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
        try:
            NatsAddress(named)
        except ValueError as error:
            raise SettingsError(f"PITBOX_GATEWAY__NATS_URL: {error}") from None
        return named
    own = settings.nats.url
    near = is_loopback(NatsAddress(own).host)
    return "" if near and _is_public(settings) else own


def _is_public(settings: Settings) -> bool:
    """Tell whether the pit wall is opened from elsewhere."""
    gateway = settings.gateway
    return not is_loopback(gateway.host) or bool(gateway.names or gateway.proxies)
