"""The address of nats-server that drivers' PCs receive, and the one they use."""

from pathlib import Path

import pytest

from consumers.gateway.web.nats_address import for_drivers
from pitbox.identity import credentials
from pitbox.identity.authority import Authority, driver_credentials
from pitbox.identity.credentials import driving, keep_hub
from pitbox.identity.folder import KeysError
from pitbox.settings import Gateway, Nats, Settings, SettingsError
from pitbox.topology import load

NEAR = "nats://127.0.0.1:4222"
FAR = "tls://hub.example:4222"
CERTIFICATES = "who signs for the hub\n"


@pytest.mark.parametrize(
    ("own", "gateway", "expected"),
    [
        (NEAR, Gateway(), NEAR),
        (FAR, Gateway(), FAR),
        (FAR, Gateway(names="pit.example"), FAR),
        (NEAR, Gateway(names="pit.example"), ""),
        (NEAR, Gateway(proxies="10.0.0.1"), ""),
        (NEAR, Gateway(host="0.0.0.0"), ""),
        (NEAR, Gateway(names="pit.example", nats_url=FAR), FAR),
        (NEAR, Gateway(names="pit.example", nats_url=NEAR), NEAR),
    ],
)
def test_pcs_receive_an_address_that_they_can_reach(
    own: str, gateway: Gateway, expected: str
) -> None:
    assert for_drivers(Settings(nats=Nats(url=own), gateway=gateway)) == expected


@pytest.mark.parametrize("named", ["hub.example", "nats://hub.example:4222", "https://hub.example"])
def test_a_malformed_or_clear_address_is_refused_by_the_name_of_its_setting(named: str) -> None:
    with pytest.raises(SettingsError, match="PITBOX_GATEWAY__NATS_URL"):
        for_drivers(Settings(gateway=Gateway(nats_url=named)))


@pytest.fixture
def enrolled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the credentials file of an enrolled PC with a kept address."""
    file = tmp_path / "driver.creds"
    _, made = driver_credentials(Authority(tmp_path / "keys", load()), "ada", expires_s=2**31)
    made.write(file)
    keep_hub(file, FAR, CERTIFICATES)
    monkeypatch.setattr(credentials, "OF_DRIVER", str(file))
    for variable in ("PITBOX_NATS__URL", "PITBOX_NATS__CA", "PITBOX_NATS__CREDENTIALS"):
        monkeypatch.delenv(variable, raising=False)
    return file


def test_a_pc_uses_the_address_kept_at_enrolment(enrolled: Path) -> None:
    assert (driving().nats.url, driving().driver.name) == (FAR, "ada")
    kept = enrolled.with_suffix(".url")
    assert (kept.stat().st_mode & 0o777, kept.read_text()) == (0o600, f"{FAR}\n")


def test_a_pc_trusts_the_authorities_kept_at_enrolment(
    enrolled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = enrolled.with_suffix(".ca.pem")
    assert driving().nats.ca == str(kept)
    assert (kept.stat().st_mode & 0o777, kept.read_text()) == (0o600, CERTIFICATES)
    kept.chmod(0o666)
    with pytest.raises(KeysError, match="other users may read"):
        driving()
    keep_hub(enrolled, FAR)
    assert driving().nats.ca == ""
    monkeypatch.setenv("PITBOX_NATS__CA", "other.pem")
    assert driving().nats.ca == "other.pem"


def test_a_setting_overrides_the_address_kept_at_enrolment(
    enrolled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PITBOX_NATS__URL", NEAR)
    assert driving().nats.url == NEAR
    monkeypatch.delenv("PITBOX_NATS__URL")
    (tmp_path / "url").write_text(NEAR)
    monkeypatch.setenv("PITBOX_NATS__URL_FILE", str(tmp_path / "url"))
    assert driving().nats.url == NEAR
