"""A driver's PC keeps where it was enrolled, and its settings go first."""

from pathlib import Path

import pytest

from pitbox.identity.authority import Authority, driver_credentials
from pitbox.identity.credentials import driving, keep_hub
from pitbox.identity.folder import KeysError
from pitbox.topology import load

NEAR = "nats://127.0.0.1:4222"
FAR = "tls://hub.example:4222"
CERTIFICATES = "who signs for the hub\n"


@pytest.fixture
def enrolled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the credentials of a PC that was told an address."""
    file = tmp_path / "driver.creds"
    _, made = driver_credentials(Authority(tmp_path / "keys", load()), "ada", expires_s=2**31)
    made.write(file)
    keep_hub(file, FAR, CERTIFICATES)
    for variable in ("PITBOX_NATS__URL", "PITBOX_NATS__CA", "PITBOX_NATS__CREDENTIALS"):
        monkeypatch.delenv(variable, raising=False)
    return file


def test_a_pc_drives_to_where_it_was_told(enrolled: Path) -> None:
    loaded = driving(str(enrolled))
    assert (loaded.nats.url, loaded.driver.name) == (FAR, "ada")
    kept = enrolled.with_suffix(".url")
    assert (kept.stat().st_mode & 0o777, kept.read_text()) == (0o600, f"{FAR}\n")


def test_a_pc_believes_whom_it_was_enrolled_with_and_no_other(
    enrolled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = enrolled.with_suffix(".ca.pem")
    assert driving(str(enrolled)).nats.ca == str(kept)
    assert (kept.stat().st_mode & 0o777, kept.read_text()) == (0o600, CERTIFICATES)
    kept.chmod(0o666)
    with pytest.raises(KeysError, match="other users may read"):
        driving(str(enrolled))
    keep_hub(enrolled, FAR)
    assert driving(str(enrolled)).nats.ca == ""
    monkeypatch.setenv("PITBOX_NATS__CA", "other.pem")
    assert driving(str(enrolled)).nats.ca == "other.pem"


def test_a_setting_says_more_than_what_was_told(
    enrolled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PITBOX_NATS__URL", NEAR)
    assert driving(str(enrolled)).nats.url == NEAR
    monkeypatch.delenv("PITBOX_NATS__URL")
    (tmp_path / "url").write_text(NEAR)
    monkeypatch.setenv("PITBOX_NATS__URL_FILE", str(tmp_path / "url"))
    assert driving(str(enrolled)).nats.url == NEAR
