"""Accepted and refused addresses of nats-server and Postgres."""

import pytest

from pitbox import settings
from pitbox.settings import SettingsError
from pitbox.settings.address import NatsAddress, check_postgres, is_loopback


@pytest.mark.parametrize(
    ("url", "host", "port", "by_tls"),
    [
        ("nats://127.0.0.1", "127.0.0.1", 4222, False),
        ("nats://localhost:1", "localhost", 1, False),
        ("nats://[::1]:4222/", "::1", 4222, False),
        ("nats://me:s3cr3t@127.0.0.1:4222", "127.0.0.1", 4222, False),
        ("tls://pit.example.com:65535", "pit.example.com", 65535, True),
        ("tls://192.168.1.5", "192.168.1.5", 4222, True),
        ("tls://[2001:db8::1]:443", "2001:db8::1", 443, True),
    ],
)
def test_an_address_gives_host_port_and_tls(url: str, host: str, port: int, by_tls: bool) -> None:
    address = NatsAddress(url)
    assert (address.host, address.port, address.by_tls) == (host, port, by_tls)


@pytest.mark.parametrize(
    "url",
    [
        "nats://",
        "foo bar",
        "http://pit.example.com",
        "pit.example.com:4222",
        "wss://pit.example.com",
        "TLS://pit.example.com",
        "nats://127.0.0.1:99999",
        "nats://127.0.0.1:0",
        "nats://127.0.0.1:4222,nats://127.0.0.1:4223",
        "tls://pit..example.com",
        "tls://pit.example.com:4222/path",
        "tls://pit.example.com\n",
        "tls://pít.example.com",
        "tls://[pit]:4222",
        f"tls://{'a.' * 130}b",
        "nats://evil.example.com#@127.0.0.1",
        "nats://evil.example.com\\@127.0.0.1",
    ],
)
def test_a_malformed_address_is_refused_by_the_name_of_its_setting(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^PITBOX_NATS__URL: "):
        settings.load({"PITBOX_NATS__URL": url})


@pytest.mark.parametrize("host", ["192.168.1.5", "pit.example.com", "0.0.0.0", "[2001:db8::1]"])
def test_an_address_of_another_machine_in_clear_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=r"in clear, .*: use tls://"):
        settings.load({"PITBOX_NATS__URL": f"nats://me:s3cr3t@{host}:4222"})


def test_the_error_for_an_address_contains_no_password() -> None:
    for url in ("nats://me:s3cr3t@pit.example.com", "nats://me:s3cr3t@127.0.0.1:99999", "s3cr3t"):
        with pytest.raises(SettingsError) as raised:
            settings.load({"PITBOX_NATS__URL": url, "PITBOX_POSTGRES__URL": f"postgresql://{url}"})
        assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://pitbox@127.0.0.1:5432/pitbox",
        "postgres://pitbox@[::1]/pitbox?sslmode=disable",
        "postgresql://pitbox@/pitbox?host=/var/run/postgresql",
        "postgresql://pitbox@db.example.com/pitbox?sslmode=verify-full&sslrootcert=ca.pem",
    ],
)
def test_a_local_database_or_one_with_verified_tls_is_accepted(url: str) -> None:
    check_postgres(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://pitbox@db.example.com/pitbox",
        "postgresql://pitbox@db.example.com/pitbox?sslmode=require",
        "postgresql://pitbox@db.example.com/pitbox?sslmode=verify-full&sslmode=prefer",
        "postgresql://pitbox@127.0.0.1,db.example.com/pitbox",
        "postgresql://pitbox@127.0.0.1/pitbox?host=db.example.com",
        "postgresql:///pitbox",
        "mysql://pitbox@127.0.0.1/pitbox",
        "postgresql://[::1/pitbox",
        "pitbox",
    ],
)
def test_any_other_database_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"(use|add) "):
        check_postgres(url)


def test_only_loopback_is_this_machine() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    elsewhere = ("", "0.0.0.0", "::", "10.0.0.1", "localhost.example.com", "2130706433", "127.1")
    assert not any(map(is_loopback, elsewhere))
