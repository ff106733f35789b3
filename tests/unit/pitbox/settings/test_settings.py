"""Settings come from the environment, and each mistake names its variable."""

from pathlib import Path

import pytest

from pitbox import settings
from pitbox.settings import Settings, SettingsError


def wrong(**environment: str) -> str:
    with pytest.raises(SettingsError) as raised:
        settings.load(environment)
    return str(raised.value)


def test_an_empty_environment_gives_the_defaults() -> None:
    assert settings.load({}) == Settings()


def test_other_variables_are_ignored() -> None:
    assert settings.load({"PATH": "/bin", "PITBOX_DATA": "/data"}) == Settings()


def test_values_are_converted_to_the_settings_type() -> None:
    loaded = settings.load(
        {
            "PITBOX_NATS__URL": "tls://hub:4222",
            "PITBOX_DRIVER__SPOOL_MAX_AGE_H": "1.5",
            "PITBOX_GATEWAY__PORT": "0",
            "PITBOX_STREAMS": "/etc/streams.yaml",
        }
    )
    assert (loaded.nats.url, loaded.driver.spool_max_age_h) == ("tls://hub:4222", 1.5)
    assert (loaded.gateway.port, loaded.streams) == (0, "/etc/streams.yaml")


def test_a_secret_can_be_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://user:secret@localhost/pitbox\n")
    loaded = settings.load({"PITBOX_POSTGRES__URL_FILE": str(secret)})
    assert loaded.postgres.url == "postgresql://user:secret@localhost/pitbox"


def test_a_missing_file_is_named() -> None:
    said = wrong(PITBOX_POSTGRES__URL_FILE="/nowhere")
    assert said == "PITBOX_POSTGRES__URL_FILE: cannot read /nowhere: No such file or directory"


def test_a_binary_file_is_named(tmp_path: Path) -> None:
    binary = tmp_path / "url"
    binary.write_bytes(b"\xff\xfe")
    said = wrong(PITBOX_POSTGRES__URL_FILE=str(binary))
    assert said == f"PITBOX_POSTGRES__URL_FILE: {binary} is not a text file"


def test_a_mistake_shows_what_the_setting_accepts() -> None:
    assert wrong(PITBOX_LOG__LEVEL="loud").endswith("debug, info, warning or error)")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PITBOX_GATEWAY__PORT", "many", "PITBOX_GATEWAY__PORT: Expected `int`, got `str`"),
        ("PITBOX_GATEWAY__PORT", "65536", "PITBOX_GATEWAY__PORT: Expected `int` <= 65535"),
        ("PITBOX_NATS__URL", "", "PITBOX_NATS__URL: Expected `str` of length >= 1"),
        ("PITBOX_LOG__LEVEL", "loud", "PITBOX_LOG__LEVEL: Invalid enum value 'loud'"),
        ("PITBOX_DRIVER__NAME", "a.b", "PITBOX_DRIVER__NAME: Expected `str` matching regex"),
        ("PITBOX_NATS__UR", "x", "PITBOX_NATS__UR is not a setting; the README lists them all"),
        ("PITBOX_NAT__URL", "x", "PITBOX_NAT is not a setting; the README lists them all"),
        ("PITBOX_NATS", "x", "PITBOX_NATS: Expected `object`, got `str`"),
        ("PITBOX_STREAMS__X", "x", "PITBOX_STREAMS: Expected `str`, got `object`"),
    ],
)
def test_a_mistake_names_its_variable(variable: str, value: str, said: str) -> None:
    assert wrong(**{variable: value}).startswith(said)


def test_a_value_named_like_a_group_is_refused() -> None:
    said = wrong(PITBOX_NATS="x", PITBOX_NATS__URL="y")
    assert said == "PITBOX_NATS__URL: nats is not a group of settings"


def test_every_setting_is_described() -> None:
    rows = list(settings.table())
    assert (
        "PITBOX_NATS__URL",
        "nats://127.0.0.1:4222",
        "nats-server's address; beyond this machine it needs tls://",
    ) in rows
    assert all(description for _, _, description in rows)
