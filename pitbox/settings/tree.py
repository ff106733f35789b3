"""Combine the groups of settings."""

from typing import Annotated

from msgspec import Meta, Struct

from pitbox.settings.driver import Driver
from pitbox.settings.gateway import Gateway
from pitbox.settings.keys import Allowance, Keys
from pitbox.settings.log import Log
from pitbox.settings.metrics import Metrics
from pitbox.settings.nats import Nats
from pitbox.settings.postgres import Postgres
from pitbox.settings.retention import Retention
from pitbox.settings.sealing import Sealing


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold all settings, one field per group."""

    nats: Nats = Nats()
    keys: Keys = Keys()
    allowance: Allowance = Allowance()
    postgres: Postgres = Postgres()
    retention: Retention = Retention()
    sealing: Sealing = Sealing()
    gateway: Gateway = Gateway()
    metrics: Metrics = Metrics()
    driver: Driver = Driver()
    log: Log = Log()
    streams: Annotated[str, Meta(description="path of streams.yaml; empty: PitBox's own")] = ""
