"""The address of nats-server that drivers' PCs receive, and the one they use."""

import pytest

from consumers.gateway.web.nats_address import for_drivers
from pitbox.settings import Gateway, Nats, Settings, SettingsError

NEAR = "nats://127.0.0.1:4222"
FAR = "tls://hub.example:4222"


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
