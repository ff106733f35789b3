"""Keys, claims, permissions and credentials, in the formats of nats-server and its clients."""

import time
from pathlib import Path

import pytest

from pitbox import topology
from pitbox.identity import claims, credentials, jwt, permissions
from pitbox.identity.authority import Authority, driver_credentials
from pitbox.identity.credentials import Credentials, file_of
from pitbox.identity.folder import KeyFolder, KeysError, write_private
from pitbox.identity.jwt import ClaimsError
from pitbox.identity.nkeys import KeyFormatError, KeyPair, Kind, kind_of, verify
from pitbox.identity.proof import prove, proves
from tests.tools import echo

TOPOLOGY = topology.load()
WITH_FOLD = topology.load(echo.streams())
NOW_S = 1_800_000_000

# A key pair made by another tool of NATS.
SEED = "SUAKYRHVIOREXV7EUZTBHUHL7NUMHPMAS7QMDU3GTIUWEI5LDNOXD43IZY"
PUBLIC = "UD466L6EBCM3YY5HEGHJANNTN4LSKTSUXTH7RILHCKEQMQHTBNLHJJXT"


@pytest.mark.parametrize("kind", Kind)
def test_a_seed_is_read_back_as_the_same_pair(kind: Kind) -> None:
    pair = KeyPair.new(kind)
    again = KeyPair.of_seed(pair.seed)
    assert (again.public, again.kind, pair.seed[:2]) == (pair.public, kind, f"S{kind.name[0]}")
    assert kind_of(pair.public) is kind
    assert verify(pair.public, b"content", again.sign(b"content"))
    assert not verify(pair.public, b"another", again.sign(b"content"))


def test_a_seed_of_other_tools_gives_their_public_key() -> None:
    assert KeyPair.of_seed(SEED).public == PUBLIC


@pytest.mark.parametrize(
    "text", ["", "SU", "é", PUBLIC, SEED[:-1], SEED[:9] + "Z" + SEED[10:], "S" + SEED]
)
def test_a_malformed_seed_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(KeyFormatError) as raised:
        KeyPair.of_seed(text)
    assert not text or text not in str(raised.value)


def test_a_pair_does_not_show_its_secret() -> None:
    pair = KeyPair.new(Kind.USER)
    assert pair.seed not in f"{pair!r} {pair}"


def test_signed_claims_are_verified_and_altered_ones_are_refused() -> None:
    signer = KeyPair.new(Kind.ACCOUNT)
    token = jwt.signed({"sub": "x", "nats": {"type": "user"}}, signer, at_s=NOW_S)
    found = jwt.verified(token)
    assert (found["iss"], found["iat"], found["sub"]) == (signer.public, NOW_S, "x")
    header, body, signature = token.split(".")
    other = jwt.signed({"sub": "y", "nats": {}}, signer, at_s=NOW_S).split(".")
    none = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0"
    for forged in (
        *(f"{header}.{other[1]}.{signature}", f"{header}.{body}.{other[2]}"),
        *(f"{none}.{body}.", f"{header}.{body}", "x.y.z", "", token + "a" * jwt.MAX_BYTES),
    ):
        with pytest.raises(ClaimsError):
            jwt.verified(forged)


def test_a_driver_may_publish_and_subscribe_only_to_subjects_with_the_own_name() -> None:
    allowed = permissions.of_driver(TOPOLOGY, "ada")
    assert set(allowed.publish) == {
        *("telemetry.ada.*.live", "telemetry.ada.*.backfill"),
        *("ask.ada.*", "hello.ada", "renew.ada"),
    }
    assert set(allowed.subscribe) == {"receipt.ada.*", "hello.ada", "_INBOX.ada.>"}


def test_a_drivers_account_imports_exactly_its_permitted_subjects() -> None:
    about = claims.driver_account("A", "ada", ["S"], "HUB", TOPOLOGY)["nats"]
    imported = {one["subject"] for one in about["imports"]}
    allowed = permissions.of_driver(TOPOLOGY, "ada")
    assert imported == {*allowed.publish, *allowed.subscribe} - {"_INBOX.ada.>"}
    assert all(one["subject"] == one["local_subject"] for one in about["imports"])
    limits = about["limits"]
    nothing = ("exports", "leaf", "mem_storage", "disk_storage")
    assert {limits[name] for name in nothing} == {0}
    assert limits["disallow_bearer"] is True
    assert 0 < limits["conn"] <= claims.CONNECTIONS


def test_every_import_of_a_driver_is_an_export_of_the_hub() -> None:
    exported = {(name, kind) for name, _, kind in permissions.exports(TOPOLOGY)}
    assert exported == {(name, kind) for name, _, kind in permissions.imports(TOPOLOGY, "ada")}


def test_services_are_permitted_what_streams_yaml_declares() -> None:
    allowed = permissions.users(TOPOLOGY)
    assert allowed["persister"] == permissions.Permissions(
        publish=(
            "receipt.*.*",
            *(part for stream in ("TELEMETRY", "DEAD") for part in pulls(stream)),
            *(
                f"$JS.API.STREAM.{what}.{stream}"
                for stream in ("TELEMETRY", "DEAD")
                for what in ("INFO", "CREATE")
            ),
            *(f"$JS.API.STREAM.PURGE.{stream}" for stream in ("TELEMETRY", "TIMING", "COACHING")),
            "_R_.>",
        ),
        subscribe=("ask.*.*", "_INBOX.persister.>"),
    )
    assert allowed["gateway"].publish == ("keys.enrol", "keys.revoke")
    purge = "$JS.API.STREAM.PURGE.TELEMETRY"
    assert set(allowed["keys"].publish) == {purge, "_R_.>", "_INBOX.gateway.>", "_INBOX.setup.>"}
    assert not any(
        "PURGE" in subject
        for name, user in allowed.items()
        if name not in ("keys", "persister")
        for subject in user.publish
    )


def pulls(stream: str) -> tuple[str, ...]:
    """Return the API subjects that the persister needs for reading a stream."""
    return (
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.CONSUMER.INFO.{stream}.persister",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.persister",
        f"$JS.API.CONSUMER.CREATE.{stream}.persister",
        f"$JS.API.CONSUMER.CREATE.{stream}.persister.>",
        f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.persister",
        f"$JS.ACK.{stream}.persister.>",
    )


def test_a_consumer_without_a_durable_creates_its_own_and_cannot_use_those_of_others() -> None:
    fold, asked = permissions.of_consumer(WITH_FOLD, "echo"), "$JS.API.CONSUMER."
    may = {one.removeprefix(asked) for one in fold.publish if one.startswith(asked)}
    read = {f"{what}.TELEMETRY.*" for what in ("INFO", "MSG.NEXT", "CREATE")}
    read_back = {
        "CREATE.TIMING.*.timing.*.*.session",
        "CREATE.TIMING.*.timing.*.*.lap",
        "MSG.NEXT.TIMING.*",
        "CREATE.DEAD.*.dead.echo",
        "MSG.NEXT.DEAD.*",
    }
    assert may == read | read_back
    assert "$JS.API.CONSUMER.*.*.TELEMETRY.persister" in fold.never
    assert "$JS.API.CONSUMER.*.TELEMETRY.persister" in fold.never


def test_a_fold_writes_and_reads_only_its_own_letters_and_progress() -> None:
    fold = permissions.of_consumer(WITH_FOLD, "echo")
    assert {"dead.echo", "fold.echo.*"} <= set(fold.publish)
    assert "$JS.API.DIRECT.GET.FOLDS.fold.echo.*" in fold.publish
    assert not {"dead.*", "fold.*.*"} & set(fold.publish)


@pytest.mark.parametrize("name", permissions.users(TOPOLOGY))
def test_no_service_may_publish_or_subscribe_to_everything(name: str) -> None:
    allowed = permissions.users(TOPOLOGY)[name]
    for subject in (*allowed.publish, *allowed.subscribe):
        assert subject.split(".")[0] not in {">", "*", "$SYS"}, subject
    assert allowed.publish or allowed.claims()["pub"] == {"deny": [">"]}


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    pair = folder.pair("hub", Kind.ACCOUNT)
    assert folder.pair("hub", Kind.ACCOUNT).public == pair.public
    file = folder.path / "hub.seed"
    assert (file.stat().st_mode & 0o777, folder.path.stat().st_mode & 0o777) == (0o600, 0o700)
    file.chmod(0o640)
    with pytest.raises(KeysError, match=r"other users may read .*: run chmod 600"):
        folder.pair("hub", Kind.ACCOUNT)
    folder.path.chmod(0o755)
    with pytest.raises(KeysError, match=r"other users may read .*: run chmod 700"):
        KeyFolder(folder.path)


def test_a_seed_of_another_kind_is_refused(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    folder.pair("hub", Kind.ACCOUNT)
    with pytest.raises(KeysError, match="of kind account, not of user"):
        folder.pair("hub", Kind.USER)


def test_credentials_are_written_as_every_client_reads_them(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "keys", TOPOLOGY)
    authority.trust()
    account, made = driver_credentials(authority, "ada", expires_s=NOW_S)
    file = tmp_path / "ada.creds"
    made.write(file)
    assert file.stat().st_mode & 0o777 == 0o600
    found = credentials.read(file)
    assert (found.name, found.jwt, found.pair.public) == ("ada", made.jwt, made.pair.public)
    assert jwt.verified(made.jwt)["nats"]["issuer_account"] == jwt.verified(account)["sub"]
    with pytest.raises(KeysError, match="different users"):
        Credentials(made.jwt, KeyPair.new(Kind.USER))
    write_private(file, "nothing")
    with pytest.raises(KeysError, match="not a NATS credentials file"):
        credentials.read(file)


def test_a_secret_is_never_written_to_a_file_that_another_user_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.touch()
    monkeypatch.setattr(Path, "unlink", lambda path, **_: path.symlink_to(theirs))
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "a.seed", "secret")
    assert theirs.read_text() == ""


def test_missing_credentials_are_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match=r"PITBOX_NATS__CREDENTIALS is not set"):
        file_of("", "persister")
    assert file_of("", "drive").name == "driver.creds"
    assert file_of(str(tmp_path), "persister") == tmp_path / "persister.creds"
    assert file_of(str(tmp_path / "one.creds"), "persister") == tmp_path / "one.creds"


def test_the_operators_seed_is_needed_only_for_new_keys(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "keys", TOPOLOGY)
    before = authority.trust().operator
    (tmp_path / "keys" / "operator.seed").unlink()
    assert authority.trust().operator == before
    (tmp_path / "keys" / "operator-signer.seed").unlink()
    with pytest.raises(KeysError, match=r"put operator\.seed there"):
        authority.trust()


def test_a_proof_is_valid_for_one_key_and_one_code() -> None:
    pair, other = KeyPair.new(Kind.USER), KeyPair.new(Kind.USER)
    proof = prove(pair, "CODE-1")
    assert proves(pair.public, "CODE-1", proof)
    assert not proves(pair.public, "CODE-2", proof)
    assert not proves(other.public, "CODE-1", proof)
    assert not proves(pair.public, "CODE-1", "?" + proof)
    account = KeyPair.new(Kind.ACCOUNT)
    assert not proves(account.public, "CODE-1", prove(account, "CODE-1"))


def test_a_drivers_user_claims_only_its_account_and_its_expiry() -> None:
    about = claims.driver_user("U", "ada", "A", expires_s=int(time.time()))
    assert about["nats"] == {"type": "user", "version": 2, "issuer_account": "A"}
