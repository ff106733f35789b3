"""Settings of sealing: when telemetry that is complete is stored in fewer bytes."""

from typing import Annotated

from msgspec import Meta, Struct


class Sealing(Struct, frozen=True, forbid_unknown_fields=True):
    """Set when complete telemetry is sealed into blocks, which take two fifths of the room."""

    after_s: Annotated[
        float,
        Meta(ge=0, le=86_400, description="age at which complete telemetry is sealed, s; 0: never"),
    ] = 60
