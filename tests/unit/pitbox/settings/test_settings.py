"""Settings come from the environment, and each mistake names its variable."""

from pathlib import Path

import pytest

from pitbox import settings
from pitbox.settings import Settings, SettingsError
from tests.tools.words import jargon

PORT = "PITBOX_GATEWAY__PORT: it takes"
LISTED = "`pitbox settings` lists them all"


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
        ("PITBOX_GATEWAY__PORT", "many", f"{PORT} a whole number from 0 to 65535 (port to"),
        ("PITBOX_GATEWAY__PORT", "65536", f"{PORT} a whole number from 0 to 65535 (port to"),
        ("PITBOX_NATS__URL", "", "PITBOX_NATS__URL: it takes text that is not empty"),
        ("PITBOX_LOG__LEVEL", "loud", "PITBOX_LOG__LEVEL: it takes one of debug, error, info"),
        ("PITBOX_DRIVER__NAME", "a.b", "PITBOX_DRIVER__NAME: it takes 1 to 64 letters, digits"),
        ("PITBOX_ALLOWANCE__BURST_S", "0", "PITBOX_ALLOWANCE__BURST_S: it takes a number above 0"),
        ("PITBOX_NATS__UR", "x", f"PITBOX_NATS__UR is not a setting; {LISTED}"),
        ("PITBOX_NAT__URL", "x", f"PITBOX_NAT is not a setting; {LISTED}"),
        ("PITBOX_NATS", "x", f"PITBOX_NATS is a group of settings; {LISTED}"),
        ("PITBOX_STREAMS__X", "x", "PITBOX_STREAMS: it takes text"),
    ],
)
def test_a_mistake_names_its_variable(variable: str, value: str, said: str) -> None:
    assert wrong(**{variable: value}).startswith(said)


WRONG = ("", "x y", "-1", "1e99", "\n", "a.b", "9" * 30, "[", "tls://", "null")


@pytest.mark.parametrize("variable", [name for name, _, _ in settings.table()])
def test_no_mistake_is_explained_by_a_pattern_or_a_type(variable: str) -> None:
    for value in (*WRONG, "x" * 5000):
        try:
            settings.load({variable: value})
        except settings.SettingsError as error:
            assert str(error).startswith(f"{variable}: ")
            assert not jargon(str(error))
    with pytest.raises(SettingsError) as raised:
        settings.load({f"{variable}__X": "1"})
    assert not jargon(str(raised.value))


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
