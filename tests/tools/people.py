"""Accounts for tests: created in Postgres, logged in over REST."""

from typing import Any, Final

import asyncpg
import httpx
from msgspec import Struct

from pitbox.people import accounts
from schemas.api import Invitation, Role

API: Final = "/api/v1"
PASSWORD: Final = "a lamp in the rain"


class Person(Struct, frozen=True):
    """A person who is logged in, with their token."""

    name: str
    role: Role
    token: str
    refresh: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of their requests."""
        return {"authorization": f"Bearer {self.token}"}


async def invited(database: str, name: str, role: Role, driver: str | None = None) -> str:
    """Create an invitation and return its secret."""
    connection = await asyncpg.connect(database)
    try:
        wish = Invitation(name=name, role=role, driver=driver)
        return (await accounts.invite(connection, wish))[0]
    finally:
        await connection.close()


async def linked(database: str, name: str, role: Role = "owner") -> str:
    """Create a login link, valid once, and return its secret."""
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
    """Accept an invitation with `PASSWORD` and return the person."""
    secret = await invited(database, name, role, driver)
    body = {"secret": secret, "password": PASSWORD}
    return person_of(await rest.post(f"{API}/invitations/accept", json=body))


async def signed_in(rest: httpx.AsyncClient, database: str, name: str = "ann") -> Person:
    """Log an owner in by a link and return them."""
    secret = await linked(database, name)
    return person_of(await rest.post(f"{API}/login/link", json={"secret": secret}))


def person_of(answer: httpx.Response) -> Person:
    """Return the person of a login's answer."""
    assert answer.status_code == 200, answer.text
    login: dict[str, Any] = answer.json()
    return Person(
        name=login["me"]["name"],
        role=login["me"]["role"],
        token=login["access_token"],
        refresh=answer.cookies["__Host-rt"],
    )
