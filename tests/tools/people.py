"""People as tests play them: accounts made in Postgres, logged in over REST."""

from typing import Any, Final

import asyncpg
import httpx
from msgspec import Struct

from pitbox.people import accounts
from schemas.api import Invitation, Role

API: Final = "/api/v1"
PASSWORD: Final = "a lamp in the rain"


class Person(Struct, frozen=True):
    """Hold who is logged in, and how they say so."""

    name: str
    role: Role
    token: str
    refresh: str

    @property
    def headers(self) -> dict[str, str]:
        """Return what every request of theirs carries."""
        return {"authorization": f"Bearer {self.token}"}


async def invited(database: str, name: str, role: Role, driver: str | None = None) -> str:
    """Return the secret of an invitation."""
    connection = await asyncpg.connect(database)
    try:
        wish = Invitation(name=name, role=role, driver=driver)
        return (await accounts.invite(connection, wish))[0]
    finally:
        await connection.close()


async def linked(database: str, name: str, role: Role = "owner") -> str:
    """Return the secret of a link that logs somebody in, once."""
    connection = await asyncpg.connect(database)
    try:
        account = await accounts.find(connection, name)
        if account is None:
            await accounts.invite(connection, Invitation(name=name, role=role))
            account = await accounts.find(connection, name)
        assert account is not None
        return (await accounts.login_link(connection, account.account))[0]
    finally:
        await connection.close()


async def joined(
    rest: httpx.AsyncClient, database: str, name: str, role: Role, driver: str | None = None
) -> Person:
    """Return somebody who accepted an invitation with `PASSWORD`."""
    secret = await invited(database, name, role, driver)
    asked = {"secret": secret, "password": PASSWORD}
    return person_of(await rest.post(f"{API}/invitations/accept", json=asked))


async def signed_in(rest: httpx.AsyncClient, database: str, name: str = "ann") -> Person:
    """Return an owner who came in by a link."""
    secret = await linked(database, name)
    return person_of(await rest.post(f"{API}/login/link", json={"secret": secret}))


def person_of(answer: httpx.Response) -> Person:
    """Return who was just logged in."""
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return Person(
        name=told["me"]["name"],
        role=told["me"]["role"],
        token=told["access_token"],
        refresh=answer.cookies["__Host-rt"],
    )
