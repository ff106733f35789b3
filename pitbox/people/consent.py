"""Decide which roles may see a driver's data: by the driver's consent, else by a default."""

from collections.abc import Iterable
from typing import Any, Final, get_args

from msgspec import Struct

from schemas.api import Consent, Kind, Role

# Telemetry has to default to everyone: `Sight.hidden` lists only drivers with a stored decision.
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
    """Return the stored decisions of all drivers."""
    return [Consent(**row) for row in await connection.fetch(DECIDED)]


async def in_force(connection: Any) -> list[Consent]:
    """Return the effective consents of every driver with an account, stored or by default."""
    known = await decided(connection)
    sights = [sight(known, role, own=None) for role in get_args(Role)]
    return [
        Consent(driver=driver, kind=kind, role=seer.role, allowed=seer.sees(kind, driver))
        for (driver,) in await connection.fetch(DRIVERS)
        for kind in DEFAULTS
        for seer in sights
    ]


async def decide(connection: Any, decision: Consent) -> None:
    """Store a driver's decision, replacing an earlier one."""
    await connection.execute(
        DECIDE, decision.driver, decision.kind, decision.role, decision.allowed
    )


class Sight(Struct, frozen=True):
    """Decide what a role sees of each driver; every kind of data is decided here only.

    `own` is the viewer's own driver name, None without one; all own data is visible.
    """

    role: Role
    own: str | None
    decided: dict[tuple[Kind, str], bool]

    def sees(self, kind: Kind, driver: str) -> bool:
        """Return whether this role may see a kind of data of a driver."""
        if driver == self.own:
            return True
        return self.decided.get((kind, driver), self.role in DEFAULTS[kind])

    @property
    def hidden(self) -> frozenset[str]:
        """Return the drivers whose telemetry this role may not see."""
        drivers = {driver for kind, driver in self.decided if kind == "telemetry"}
        return frozenset(driver for driver in drivers if not self.sees("telemetry", driver))


def sight(consents: Iterable[Consent], role: Role, own: str | None) -> Sight:
    """Return the sight of a role under the drivers' decisions."""
    decided = {(c.kind, c.driver): c.allowed for c in consents if c.role == role}
    return Sight(role, own, decided)
