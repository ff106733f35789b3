"""Shows everything to the pit wall: live over one WebSocket, the past over REST.

It only reads: live telemetry, facts and links from the bus, what is stored from Postgres.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pitbox.service import Service
    from pitbox.settings import Settings


def service(settings: "Settings") -> "Service":
    """Return the gateway; raises SettingsError or TopologyError when a setting is wrong."""
    from consumers.gateway.server import Gateway

    return Gateway(settings)
