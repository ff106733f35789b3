"""The fingerprint of a certificate's files."""

from pathlib import Path

import pytest

from pitbox.settings import Nats
from pitbox.tls.listening import stamp


def test_a_changed_certificate_changes_the_fingerprint_and_none_has_no_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    certificate, key = tmp_path / "a.pem", tmp_path / "a.key"
    given = Nats(certificate=str(certificate), certificate_key=str(key))
    seen = [(stamp(Nats()), stamp(given))]
    for file in (certificate, key, key):
        file.unlink(missing_ok=True)
        file.write_text("another")
        seen.append((stamp(Nats()), stamp(given)))
    assert {without for without, _ in seen} == {()}
    assert [known == () for _, known in seen] == [True, True, False, False]
    assert seen[2] != seen[3]
