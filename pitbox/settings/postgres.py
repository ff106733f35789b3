"""The address of Postgres."""

from typing import Annotated

from msgspec import Meta, Struct

from pitbox.settings.address import check_postgres
from pitbox.settings.fields import Text, check_value


class Postgres(Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach Postgres."""

    url: Annotated[
        Text, Meta(description="address of the database, with user; password best by URL_FILE")
    ] = "postgresql://pitbox@127.0.0.1:5432/pitbox"

    def __post_init__(self) -> None:
        """Raise ValueError for an address that cannot be one, or is not safe."""
        check_value("PITBOX_POSTGRES__URL", check_postgres, self.url)
