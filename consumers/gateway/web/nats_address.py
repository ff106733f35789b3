"""Find the address of nats-server that drivers' PCs receive at enrolment."""

from typing import Final

from pitbox.settings import Settings, SettingsError
from pitbox.settings.address import NatsAddress, is_loopback

UNKNOWN: Final = (
    "no address of nats-server is known that drivers' PCs can reach: set PITBOX_GATEWAY__NATS_URL "
    "to it"
)


def for_drivers(settings: Settings) -> str:
    """Return the address for drivers' PCs, "" when the known one works on this machine only.

    Raises SettingsError when the address is malformed, or would carry telemetry in clear.
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
    """Return whether the pit wall is reachable from other machines."""
    gateway = settings.gateway
    return not is_loopback(gateway.host) or bool(gateway.names or gateway.proxies)
