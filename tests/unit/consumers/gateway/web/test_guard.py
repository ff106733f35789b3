"""Host, Origin and listener settings of the web server."""

import pytest

from consumers.gateway.web.guard import name_of, same_origin
from consumers.gateway.web.listener import checked, listen
from pitbox.settings import Gateway, SettingsError
from pitbox.settings.address import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "127.1.2.3"])
def test_loopback_host_names_are_served(host: str) -> None:
    assert is_loopback(name_of(host))


@pytest.mark.parametrize(
    "host", ["", "evil.com", "localhost.evil.com:80", "127.0.0.1.evil.com", "192.168.0.2", "[::1"]
)
def test_other_host_names_are_not_loopback(host: str) -> None:
    assert not is_loopback(name_of(host))


def test_only_a_page_of_this_server_has_the_same_origin() -> None:
    assert same_origin("http://localhost:8000", "localhost:8000", "ws")
    assert same_origin("https://pit.example.com", "pit.example.com", "https")
    assert same_origin(None, "localhost:8000", "http")
    assert not same_origin("http://pit.example.com", "pit.example.com", "wss")
    assert not same_origin("http://evil.com", "localhost:8000", "http")
    assert not same_origin("http://localhost:9000", "localhost:8000", "http")
    assert not same_origin("null", "localhost:8000", "http")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "pit.example.com"])
def test_passwords_never_travel_in_clear(host: str) -> None:
    with pytest.raises(SettingsError, match="set PITBOX_GATEWAY__CERTIFICATE"):
        checked(Gateway(host=host))
    checked(Gateway(host=host, proxies="10.0.0.7, 10.1.0.0/16"))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (Gateway(proxies="everyone"), "PROXIES: everyone is not an IP address"),
        (Gateway(certificate="a.pem"), "CERTIFICATE_KEY: set both"),
        (Gateway(certificate_key="a.key"), "CERTIFICATE: set both"),
        (Gateway(certificate="none.pem", certificate_key="none.key"), "CERTIFICATE: cannot use"),
    ],
)
def test_a_wrong_setting_of_the_listener_is_named(given: Gateway, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        checked(given)


def test_a_port_in_use_is_refused_by_the_name_of_its_setting() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(SettingsError, match="PITBOX_GATEWAY__PORT: cannot use port"):
            listen("127.0.0.1", taken.getsockname()[1])
