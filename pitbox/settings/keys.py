"""Settings of the signing service, and each driver's traffic allowance."""

from typing import Annotated

from msgspec import Meta, Struct


class Keys(Struct, frozen=True, forbid_unknown_fields=True):
    """Configure the folder of the signing keys."""

    folder: Annotated[
        str, Meta(description="folder of the signing keys; only the service `keys` needs it")
    ] = ""


class Allowance(Struct, frozen=True, forbid_unknown_fields=True):
    """Limit the traffic of each driver; the service `keys` suspends a driver above the limit.

    A car at 60 Hz with all channels sends 20 messages and 20 kB a second. `pitbox drive` sends a
    backlog at 150 times that, a quarter of the default allowance, because an account may have four
    connections. The burst is small against TELEMETRY's size, so one driver cannot push others out.
    """

    bytes_per_s: Annotated[
        int, Meta(ge=1, description="bytes that a driver may send per second")
    ] = 12_000_000
    messages_per_s: Annotated[
        int, Meta(ge=1, description="messages that a driver may send per second")
    ] = 12_000
    burst_s: Annotated[
        float, Meta(gt=0, description="seconds of this allowance that may be sent at once")
    ] = 8
    penalty_s: Annotated[
        float,
        Meta(
            gt=0,
            description="suspension of a driver above the allowance, s; doubled each time",
        ),
    ] = 60
    longest_penalty_s: Annotated[
        float,
        Meta(
            gt=0,
            description="longest suspension, s; after as long without one, doubling starts again",
        ),
    ] = 900
