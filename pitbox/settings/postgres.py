"""Settings of connections to Postgres."""

from typing import Annotated

from msgspec import Meta, Struct

from pitbox.settings.address import check_postgres
from pitbox.settings.fields import Text, check_value


class Postgres(Struct, frozen=True, forbid_unknown_fields=True):
    """Configure the database's address."""

    url: Annotated[
        Text,
        Meta(
            description="the database's address; one with a password is better kept in a file, "
            "named by PITBOX_POSTGRES__URL_FILE"
        ),
    ] = "postgresql://pitbox@127.0.0.1:5432/pitbox"

    def __post_init__(self) -> None:
        """Check the address; raises ValueError when it is malformed or not safe."""
        check_value("PITBOX_POSTGRES__URL", check_postgres, self.url)
