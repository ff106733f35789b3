"""The driver's PC."""

from typing import Annotated

from msgspec import Meta, Struct

from pitbox.settings.fields import OptionalName, Text


class Driver(Struct, frozen=True, forbid_unknown_fields=True):
    """What a driver's PC says and keeps."""

    name: Annotated[OptionalName, Meta(description="who drives; empty: who is enrolled here")] = ""
    car: Annotated[OptionalName, Meta(description="start number; empty: as the sim says")] = ""
    session: Annotated[OptionalName, Meta(description="session; empty: as the sim says")] = ""
    spool: Annotated[Text, Meta(description="folder that keeps what was driven")] = (
        "~/.local/share/pitbox/spool"
    )
    spool_max_bytes: Annotated[
        int, Meta(ge=1_000_000, description="the spool keeps at most this many bytes")
    ] = 2_000_000_000
    spool_max_age_h: Annotated[
        float, Meta(gt=0, description="the spool keeps what Postgres has for this long")
    ] = 72
    chunk_ms: Annotated[int, Meta(ge=10, le=2000, description="length of a live chunk")] = 50
