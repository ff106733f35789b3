"""The signing of drivers' identities, and how much a driver may send."""

from typing import Annotated

from msgspec import Meta, Struct


class Keys(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the service that signs identities has its keys."""

    folder: Annotated[str, Meta(description="folder with what signs; only `keys` needs it")] = ""


class Allowance(Struct, frozen=True, forbid_unknown_fields=True):
    """How much a driver may send before he is shut out for a while; `keys` sees to it.

    A car at 60 Hz with all channels is 20 messages and 20 kB a second. The app sends what it owes
    at a hundred and fifty times that, a quarter of this: an account has four connections at most.
    What is lent, as seconds of it, is a small part of what the stream of telemetry holds.
    """

    bytes_per_s: Annotated[int, Meta(ge=1, description="bytes that a driver may send a second")] = (
        12_000_000
    )
    messages_per_s: Annotated[
        int, Meta(ge=1, description="messages that a driver may send a second")
    ] = 12_000
    burst_s: Annotated[float, Meta(gt=0, description="so many seconds' worth may come at once")] = 8
    penalty_s: Annotated[
        float, Meta(gt=0, description="who sends more is shut out for so long; twice each time")
    ] = 60
    longest_penalty_s: Annotated[
        float, Meta(gt=0, description="and for so long at most; after so long it is forgiven")
    ] = 900
