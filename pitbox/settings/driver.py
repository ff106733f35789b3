"""Settings of the driver's PC."""

from typing import Annotated

from msgspec import Meta, Struct

from pitbox.settings.fields import OptionalName, Text


class Driver(Struct, frozen=True, forbid_unknown_fields=True):
    """Configure `pitbox drive` and its spool."""

    name: Annotated[
        OptionalName, Meta(description="driver's name; empty: of the driver enrolled on this PC")
    ] = ""
    car: Annotated[OptionalName, Meta(description="start number; empty: the sim's")] = ""
    session: Annotated[OptionalName, Meta(description="session name; empty: the sim's")] = ""
    spool: Annotated[Text, Meta(description="folder of the spool of recorded telemetry")] = (
        "~/.local/share/pitbox/spool"
    )
    spool_max_bytes: Annotated[
        int, Meta(ge=1_000_000, description="size limit of the spool, bytes")
    ] = 2_000_000_000
    spool_max_age_h: Annotated[
        float,
        Meta(gt=0, description="hours for which the spool keeps chunks that Postgres has stored"),
    ] = 72
    chunk_ms: Annotated[int, Meta(ge=10, le=2000, description="length of a live chunk, ms")] = 50
