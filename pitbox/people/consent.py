"""Who sees what of a driver: decided by the driver, else by the default here."""

from collections.abc import Iterable
from typing import Any, Final, get_args

from msgspec import Struct

from schemas.api import Consent, Kind, Role

# Of telemetry it is everyone, for `Sight.hidden` goes by what was decided.
DEFAULTS: Final[dict[Kind, frozenset[Role]]] = {
    "telemetry": frozenset({"owner", "engineer", "driver", "guest"}),
    "camera": frozenset({"owner", "engineer"}),
    "microphone": frozenset(),
}

DECIDED: Final = "select driver, kind, role, allowed from consent"
DRIVERS: Final = "select driver from account where driver is not null order by driver"
DECIDE: Final = """
insert into consent (driver, kind, role, allowed) values ($1, $2, $3, $4)
on conflict (driver, kind, role) do update set allowed = excluded.allowed, changed = now()
"""


async def decided(connection: Any) -> list[Consent]:
    """Return what drivers have decided."""
    return [Consent(**row) for row in await connection.fetch(DECIDED)]


async def in_force(connection: Any) -> list[Consent]:
    """Return what holds of every driver who has an account, decided or by default."""
    known = await decided(connection)
    sights = [sight(known, role, own=None) for role in get_args(Role)]
    return [
        Consent(driver=driver, kind=kind, role=seer.role, allowed=seer.sees(kind, driver))
        for (driver,) in await connection.fetch(DRIVERS)
        for kind in DEFAULTS
        for seer in sights
    ]


async def decide(connection: Any, decision: Consent) -> None:
    """Keep a driver's decision."""
    await connection.execute(
        DECIDE, decision.driver, decision.kind, decision.role, decision.allowed
    )


class Sight(Struct, frozen=True):
    """Say what a role sees of drivers: the one place where that is decided, for every kind.

    `own` is the driver that one is, who sees everything of himself.
    """

    role: Role
    own: str | None
    decided: dict[tuple[Kind, str], bool]

    def sees(self, kind: Kind, driver: str) -> bool:
        """Tell whether something of a driver is for them."""
        if driver == self.own:
            return True
        return self.decided.get((kind, driver), self.role in DEFAULTS[kind])

    @property
    def hidden(self) -> frozenset[str]:
        """Return the drivers whose telemetry is not for them."""
        drivers = {driver for kind, driver in self.decided if kind == "telemetry"}
        return frozenset(driver for driver in drivers if not self.sees("telemetry", driver))


def sight(consents: Iterable[Consent], role: Role, own: str | None) -> Sight:
    """Return what a role sees, by what drivers have decided."""
    decided = {(c.kind, c.driver): c.allowed for c in consents if c.role == role}
    return Sight(role, own, decided)
