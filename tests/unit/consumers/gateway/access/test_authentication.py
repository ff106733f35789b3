"""Access tokens, passwords, tickets, attempts, roles and consent, each by itself."""

import asyncio
import base64
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher

from consumers.gateway.access import roles
from consumers.gateway.access.authentication import site_of
from pitbox.people import consent, secrets
from pitbox.people.passwords import MAX_WAITING, BusyError, Passwords, breached, why_not
from pitbox.people.tickets import MAX_TICKETS, Tickets
from pitbox.people.tokens import KEY_LIFETIME_S, TokenError, Tokens, load_keys, load_secret
from pitbox.service.limits import Limit
from pitbox.settings import SettingsError
from schemas.api import Consent

KEY = b"k" * 32
OTHER = b"o" * 32
CLAIMS = {
    "iss": "pitbox",
    "aud": "pitbox-gateway",
    "sub": "an account",
    "sid": "a login",
    "jti": "one",
    "iat": 0,
    "exp": 2**40,
}
HEADERS = {"typ": "at+jwt", "kid": "first"}


def token(claims: dict[str, Any], headers: dict[str, Any], key: Any, algorithm: str) -> str:
    return jwt.encode(CLAIMS | claims, key, algorithm, headers=HEADERS | headers)


def without(name: str) -> str:
    claims = {key: value for key, value in CLAIMS.items() if key != name}
    return jwt.encode(claims, KEY, "HS256", headers=HEADERS)


def unsigned() -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part(HEADERS | {'alg': 'none'})}.{part(CLAIMS)}."


def test_asvs_9_1_1_a_token_of_ours_is_read() -> None:
    tokens = Tokens({"first": KEY})
    read = tokens.read(tokens.make("an account", "a login"))
    assert (read.sub, read.sid) == ("an account", "a login")
    assert tokens.read(token({}, {}, KEY, "HS256")) == read


@pytest.mark.parametrize(
    "forged",
    [
        token({}, {}, OTHER, "HS256"),
        token({}, {"kid": "none"}, KEY, "HS256"),
        token({}, {"kid": "../first"}, KEY, "HS256"),
        token({}, {"kid": "none", "jwk": {"kty": "oct", "k": "b29v"}}, OTHER, "HS256"),
        token({}, {"kid": "none", "jku": "https://evil.com/keys"}, OTHER, "HS256"),
        token({}, {"crit": ["exp"]}, KEY, "HS256"),
        token({}, {}, KEY * 2, "HS512"),
        unsigned(),
        token({"aud": "another"}, {}, KEY, "HS256"),
        token({"aud": ["pitbox-gateway", "another"]}, {}, KEY, "HS256"),
        token({"iss": "pitboxx"}, {}, KEY, "HS256"),
        token({}, {"typ": "JWT"}, KEY, "HS256"),
        token({}, {"typ": "rt+jwt"}, KEY, "HS256"),
        token({"exp": int(time.time()) - 1}, {}, KEY, "HS256"),
        token({"nbf": 2**40}, {}, KEY, "HS256"),
        token({"iat": 2**40}, {}, KEY, "HS256"),
        token({"sid": 7}, {}, KEY, "HS256"),
        *(without(name) for name in CLAIMS),
        token({"more": "x" * 4000}, {}, KEY, "HS256"),
        "",
        "a.b.c",
        "\ud800",
    ],
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_asvs_9_1_2_9_1_3_9_2_1_9_2_2_9_2_3_any_other_token_is_refused(forged: str) -> None:
    with pytest.raises(TokenError):
        Tokens({"first": KEY}).read(forged)


def test_keys_are_readable_by_their_owner_only_and_rotate_after_a_month(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    keys = load_keys(folder)
    [name] = keys
    assert load_keys(folder) == keys
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    path = folder / f"{name}.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    old = Tokens(keys).make("an account", "a login")
    past_s = time.time() - KEY_LIFETIME_S - 1
    os.utime(path, (past_s, past_s))
    both = load_keys(folder)
    assert list(both)[1:] == [name]
    assert Tokens(both).read(old).sid == "a login"
    assert jwt.get_unverified_header(Tokens(both).make("", ""))["kid"] == next(iter(both))
    assert load_secret(folder) == load_secret(folder)


def test_keys_that_others_may_read_or_that_are_cut_short_are_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(SettingsError, match="chmod 700"):
        load_keys(tmp_path / "open")
    load_keys(tmp_path / "keys")
    next((tmp_path / "keys").glob("*.key")).write_bytes(b"short")
    with pytest.raises(SettingsError, match="cut short"):
        load_keys(tmp_path / "keys")


@pytest.mark.parametrize(
    "password",
    ["eleven char", "x" * 257, "aaaaaaaaaaaa", "abcabcabcabc", "password1234", "ann.1234567890!"],
)
def test_asvs_6_2_1_short_or_guessed_passwords_are_refused(password: str) -> None:
    assert why_not(password, "ann.")


@pytest.mark.parametrize(
    "password",
    ["twelve chars", "a lamp in the rain", "Grüße an 車, " + "".join(map(str, range(40)))],
)
def test_asvs_6_2_9_long_passwords_of_any_characters_are_accepted(password: str) -> None:
    assert why_not(password, "ann") is None


def test_asvs_6_2_12_passwords_of_stolen_lists_are_refused() -> None:
    long = [password for password in breached() if len(password) >= 12]
    assert len(long) > 200
    assert all(why_not(password, "ann") for password in long)


async def test_a_password_is_hashed_at_the_recommended_cost() -> None:
    passwords = Passwords()
    kept = await passwords.hashed("a lamp in the rain")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    passwords.close()


async def test_asvs_6_2_8_passwords_are_kept_whole_and_as_argon2id() -> None:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    long = "x7Q" * 80
    kept = await passwords.hashed(long)
    assert kept.startswith("$argon2id$")
    assert await passwords.matches(kept, long)
    assert not await passwords.matches(kept, long[:-1])
    assert not await passwords.matches(kept, long.upper())
    assert not await passwords.matches(None, long)
    assert not await passwords.matches("no hash", long)
    passwords.close()


async def test_too_many_passwords_to_check_at_once_are_refused() -> None:
    passwords = Passwords()
    many = [passwords.matches("no hash", "a lamp in the rain") for _ in range(MAX_WAITING + 5)]
    answers = await asyncio.gather(*many, return_exceptions=True)
    assert [isinstance(answer, BusyError) for answer in answers].count(True) == 5
    passwords.close()


def test_asvs_4_4_3_a_ticket_is_valid_once_and_for_a_short_time() -> None:
    tickets = Tickets()
    first, second = tickets.make("a", 0), tickets.make("b", 0)
    assert first != second
    assert len(first) >= 32
    assert tickets.take(first, 29) == "a"
    assert tickets.take(first, 29) is None
    assert tickets.take(second, 30) is None
    assert tickets.take("none", 0) is None
    kept = tickets.make("c", 0)
    for _ in range(MAX_TICKETS):
        tickets.make("d", 0)
    assert tickets.take(kept, 1) is None


def test_asvs_6_3_1_attempts_are_counted_by_key_and_expire() -> None:
    limit = Limit(5, 60)
    assert [limit.wait_s("ann", 0) for _ in range(6)] == [0, 0, 0, 0, 0, 12]
    assert limit.wait_s("bob", 0) == 0
    assert limit.wait_s("ann", 12) == 0
    assert limit.wait_s("ann", 12) > 0
    limit.give_back("ann", 12)
    assert limit.wait_s("ann", 12) == 0


def test_an_ipv6_network_of_64_bits_counts_as_one_address() -> None:
    assert site_of("2001:db8:1:2:3::4") == site_of("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert site_of("10.0.0.1") == site_of("::ffff:10.0.0.1") == "10.0.0.1"
    assert site_of("nonsense") == ""


def test_the_successor_of_a_token_is_the_same_each_time_and_depends_on_the_key() -> None:
    assert secrets.successor("a", KEY) == secrets.successor("a", KEY)
    assert secrets.successor("a", KEY) != secrets.successor("a", OTHER)
    assert secrets.successor("a", KEY) != secrets.successor("b", KEY)
    assert len(secrets.make()) >= 43


def test_asvs_8_2_1_an_endpoint_missing_in_the_table_rejects_everyone() -> None:
    assert roles.allowed("GET", "/api/v1/accounts") == {"owner"}
    assert roles.allowed("DELETE", "/api/v1/accounts") == frozenset()
    assert roles.allowed("OPTIONS", "/api/v1/sessions") == frozenset()
    assert roles.allowed("GET", "/api/v1/health") is None


def test_a_driver_is_hidden_from_the_roles_that_may_not_see_them() -> None:
    def said(driver: str, role: Any, *, allowed: bool, kind: Any = "telemetry") -> Consent:
        return Consent(driver=driver, kind=kind, role=role, allowed=allowed)

    decided = [
        said("ada", "guest", allowed=False),
        said("bob", "guest", allowed=True),
        said("cyd", "guest", allowed=False, kind="camera"),
        said("dan", "driver", allowed=False),
    ]
    assert consent.sight(decided, "guest", None).hidden == {"ada"}
    assert consent.sight(decided, "driver", "dan").hidden == frozenset()
    assert consent.sight(decided, "driver", "ada").hidden == {"dan"}
    assert consent.sight(decided, "owner", None).hidden == frozenset()


def test_one_function_decides_who_sees_telemetry_camera_and_microphone() -> None:
    kinds: list[Any] = ["telemetry", "camera", "microphone"]

    def seen(role: Any, own: str | None, *decided: Consent) -> list[bool]:
        return [consent.sight(decided, role, own).sees(kind, "ada") for kind in kinds]

    assert seen("owner", None) == [True, True, False]
    assert seen("engineer", "bob") == [True, True, False]
    assert seen("driver", "bob") == [True, False, False]
    assert seen("driver", "ada") == [True, True, True]
    assert seen("guest", None) == [True, False, False]
    for kind in kinds:
        yes, no = (
            Consent(driver="ada", kind=kind, role="guest", allowed=allowed)
            for allowed in (True, False)
        )
        assert seen("guest", None, yes)[kinds.index(kind)] is True
        assert seen("guest", None, no)[kinds.index(kind)] is False
        assert seen("engineer", None, no) == seen("engineer", None)
