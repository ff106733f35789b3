"""A PC keeps its seed, and accepts only credentials for its own key."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pitbox import topology
from pitbox.identity import credentials
from pitbox.identity.authority import Authority
from pitbox.identity.folder import KeysError
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.proof import proves
from producers.uplink.enrolment import enrol, scheme_of
from tests.tools.authority import Authority as Signer

FAR = "0.0.0.0"
"""Reaches this machine, but does not count as loopback, so it is reached by TLS."""


@contextmanager
def pit_wall(
    folder: Path,
    *,
    driver: str = "ada",
    key: str = "",
    nats_url: str = "tls://hub.example:4222",
    tls: ssl.SSLContext | None = None,
) -> Iterator[tuple[str, list[Any]]]:
    """Answer enrolments as the gateway does, for the requested key or for another `key`."""
    asked: list[Any] = []
    authority = Authority(folder / "keys", topology.load())

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            wish = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, wish))
            account, _ = authority.account("ada")
            public = key or wish["public_key"]
            expires_s = int(time.time()) + 60
            token = authority.driver_user("ada", account, public, expires_s=expires_s)
            self.send_response(201 if wish["code"] == "GOOD" else 400)
            self.end_headers()
            given = {"driver": driver, "jwt": token, "nats_url": nats_url, "detail": "it is old"}
            self.wfile.write(msgspec.json.encode(given))

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{FAR if tls else '127.0.0.1'}:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_enrolment_sends_the_public_key_with_a_proof_and_never_the_seed(tmp_path: Path) -> None:
    file = tmp_path / "driver.creds"
    with pit_wall(tmp_path) as (host, asked):
        assert enrol(f"GOOD@{host}", file) == "ada"
    [(path, wish)] = asked
    found = credentials.read(file)
    assert (path, found.name, found.pair.public) == ("/api/v1/enrol", "ada", wish["public_key"])
    assert proves(wish["public_key"], "GOOD", wish["proof"])
    assert found.pair.seed not in str(asked)
    address = file.with_suffix(".url")
    assert address.read_text() == "tls://hub.example:4222\n"
    for kept in (file, address):
        assert kept.stat().st_mode & 0o777 == 0o600


def test_a_failed_enrolment_raises_one_sentence_and_writes_no_file(tmp_path: Path) -> None:
    file = tmp_path / "driver.creds"
    with (
        pit_wall(tmp_path) as (host, _),
        pytest.raises(KeysError, match=r"refuses \(400\): it is old"),
    ):
        enrol(f"BAD@{host}", file)
    with pit_wall(tmp_path, driver="eve") as (host, _), pytest.raises(KeysError, match="else"):
        enrol(f"GOOD@{host}", file)
    other = KeyPair.new(Kind.USER).public
    with pit_wall(tmp_path, key=other) as (host, _), pytest.raises(KeysError, match="different"):
        enrol(f"GOOD@{host}", file)
    for place in ("", "nats://hub.example:4222", "file:///etc/passwd"):
        with (
            pit_wall(tmp_path, nats_url=place) as (host, _),
            pytest.raises(KeysError, match="nats"),
        ):
            enrol(f"GOOD@{host}", file)
    with pytest.raises(KeysError, match="no answer from the pit wall"):
        enrol("GOOD@127.0.0.1:1", file)
    for nonsense in ("GOOD", "GOOD@", "@hub.example", "GOOD@hub.example/path", "GOOD@http://hub"):
        with pytest.raises(KeysError, match="is not CODE@HOST"):
            enrol(nonsense, file)
    assert not list(tmp_path.glob("driver.*"))


def server_context(signer: Signer, name: str) -> ssl.SSLContext:
    """Return the TLS context of a server with a certificate for a name."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*signer.files(name).values())
    return made


def test_only_a_private_authority_is_trusted_and_only_its_certificate_kept(tmp_path: Path) -> None:
    file, signer = tmp_path / "driver.creds", Signer(tmp_path / "signer")
    certificate, own = Path(signer.file).read_text(), signer.files("10.0.0.7")
    ca = tmp_path / "ca.pem"
    ca.write_text(Path(own["certificate_key"]).read_text() + certificate)
    with pit_wall(tmp_path, tls=server_context(signer, FAR)) as (host, asked):
        assert enrol(f"GOOD@{host}", file, ca) == "ada"
        assert len(asked) == 1
        kept = file.with_suffix(".ca.pem")
        assert kept.read_text().split() == certificate.split()
        enrol(f"GOOD@{host}", file, kept)
        assert kept.read_text().split() == certificate.split()
    with pit_wall(tmp_path) as (host, _):
        enrol(f"GOOD@{host}", file)
    assert not kept.exists()


def test_no_code_is_sent_to_an_untrusted_pit_wall_and_the_error_has_the_next_step(
    tmp_path: Path,
) -> None:
    file, signer = tmp_path / "driver.creds", Signer(tmp_path / "signer")
    stranger, ca = Path(Signer(tmp_path / "stranger").file), Path(signer.file)
    key, absent = Path(signer.files(FAR)["certificate_key"]), tmp_path / "absent.pem"
    with pit_wall(tmp_path, tls=server_context(signer, FAR)) as (host, asked):
        for given, message in (
            (None, "not trusted, .*issuer certificate: .* add --ca FILE"),
            (stranger, "not trusted, .*: no authority in the file of --ca signed it"),
            (key, f"--ca: {key} holds no certificate"),
            (absent, f"--ca: cannot read {absent}: No such file"),
            (tmp_path, f"--ca: cannot read {tmp_path}: Is a directory"),
        ):
            with pytest.raises(KeysError, match=message):
                enrol(f"GOOD@{host}", file, given)
        assert asked == []
    with pit_wall(tmp_path, tls=server_context(signer, "10.0.0.7")) as (host, asked):
        with pytest.raises(KeysError, match=rf"not trusted, .* not valid for '{FAR}'$"):
            enrol(f"GOOD@{host}", file, ca)
        assert asked == []
    assert not list(tmp_path.glob("driver.*"))


@pytest.mark.parametrize("host", ["127.0.0.1.example:8000", "pit.example", "10.0.0.7:8000"])
def test_a_code_is_sent_to_another_machine_by_tls_only(host: str) -> None:
    assert scheme_of(host) == "https"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
def test_on_loopback_a_code_may_be_sent_in_clear(host: str) -> None:
    assert scheme_of(host) == "http"
