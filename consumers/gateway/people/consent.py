"""Who sees what of a driver: decided by the driver, else by the default here."""

from typing import Any, Final, get_args

from schemas.api import Consent, Kind, Role

# Of telemetry it is everyone, for `hidden` goes by what was decided.
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
    known = {(c.driver, c.kind, c.role): c.allowed for c in await decided(connection)}
    return [
        Consent(
            driver=row["driver"],
            kind=kind,
            role=role,
            allowed=known.get((row["driver"], kind, role), role in seers),
        )
        for row in await connection.fetch(DRIVERS)
        for kind, seers in DEFAULTS.items()
        for role in get_args(Role)
    ]


async def decide(connection: Any, decision: Consent) -> None:
    """Keep a driver's decision."""
    await connection.execute(
        DECIDE, decision.driver, decision.kind, decision.role, decision.allowed
    )


def hidden(consents: list[Consent], role: Role, own: str | None) -> frozenset[str]:
    """Return the drivers whose telemetry a role does not see; one's own is always seen."""
    return frozenset(
        consent.driver
        for consent in consents
        if (consent.kind, consent.role, consent.allowed) == ("telemetry", role, False)
        and consent.driver != own
    )
