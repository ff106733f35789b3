"""Declare every setting, one module per group, and read them from the environment.

`load` reads variables named PITBOX_<GROUP>__<FIELD> and raises SettingsError with a message that
names the variable. A field's description appears in docs/settings.md and in that message.
"""

from pitbox.settings.driver import Driver
from pitbox.settings.environment import PREFIX, SettingsError, load, table
from pitbox.settings.gateway import Gateway
from pitbox.settings.keys import Allowance, Keys
from pitbox.settings.listener import Listener
from pitbox.settings.log import Log
from pitbox.settings.metrics import Metrics
from pitbox.settings.nats import Nats
from pitbox.settings.postgres import Postgres
from pitbox.settings.retention import Retention
from pitbox.settings.sealing import Sealing
from pitbox.settings.tree import Settings

__all__ = [
    "PREFIX",
    "Allowance",
    "Driver",
    "Gateway",
    "Keys",
    "Listener",
    "Log",
    "Metrics",
    "Nats",
    "Postgres",
    "Retention",
    "Sealing",
    "Settings",
    "SettingsError",
    "load",
    "table",
]
