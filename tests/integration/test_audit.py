"""The audit of dependencies queries advisories, and an empty answer does not pass it."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tools.servers import free_port

AUDIT_S = 100
FAMOUS = {("pyyaml", "5.3"): "CVE-2020-14343"}
ANY = ""
OURS = "CVE-2030-0001"


def advisory(name: str, package: str) -> dict[str, object]:
    """Return an advisory about every version of a package, in OSV's format."""
    return {
        "id": name,
        "modified": "2026-01-01T00:00:00Z",
        "published": "2026-01-01T00:00:00Z",
        "summary": "a test",
        "affected": [
            {
                "package": {"name": package, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            }
        ],
    }


@contextmanager
def service(known: dict[tuple[str, str], str]) -> Iterator[str]:
    """Answer as OSV does, with one advisory for each of some packages and versions."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            package = query["package"]["name"]
            name = known.get((package, query["version"])) or known.get((package, ANY))
            found = [advisory(name, package)] if name else []
            body = json.dumps({"vulns": found} if found else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/query"
        finally:
            server.shutdown()
            serving.join()


def audit(url: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(folder / "requirements" / "audit.sh")],
        env=os.environ | {"OSV_URL": url},
        capture_output=True,
        text=True,
        timeout=AUDIT_S,
        check=False,
    )


@pytest.mark.parametrize("knows_nothing", [True, False])
def test_an_unreachable_or_empty_advisory_database_fails_the_audit(knows_nothing: bool) -> None:
    with service({}) as url:
        done = audit(url if knows_nothing else f"http://127.0.0.1:{free_port()}/v1/query")
    assert done.returncode == 3
    assert "AUDIT NOT DONE" in done.stderr


def test_packages_without_advisories_pass() -> None:
    with service(FAMOUS) as url:
        done = audit(url)
    assert done.returncode == 0, done.stderr
    assert "No known vulnerabilities found" in done.stderr


def test_a_package_with_an_advisory_fails_until_it_is_justified(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    with service(FAMOUS | {("litestar", ANY): OURS}) as url:
        found = audit(url, tmp_path)
        assert found.returncode == 1
        assert OURS in found.stdout
        with (tmp_path / "requirements" / "advisories.txt").open("a") as file:
            file.write(f"{OURS}  # it is a test\n")
        justified = audit(url, tmp_path)
    assert justified.returncode == 0, justified.stderr
