"""Generated documents are current, and the AsyncAPI document is complete."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from commands.cli import CommandError, main
from commands.generated import marks
from pitbox import topology
from pitbox.topology.asyncapi import asyncapi
from tests.conftest import ROOT

README = ROOT / "README.md"


class Done(NamedTuple):
    """The exit code of a command and its two outputs."""

    code: object
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def pitbox(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command in this process, in the repository's folder."""
    monkeypatch.chdir(ROOT)

    def run(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Done(ended.value.code, *capsys.readouterr())

    return run


@pytest.mark.parametrize(
    "command",
    [
        ("streams", "graph", "--into", "README.md"),
        ("settings", "--into", "docs/settings.md"),
    ],
    ids=lambda command: command[0],
)
def test_generated_documents_are_current(pitbox: Run, command: tuple[str, ...]) -> None:
    done = pitbox(*command, "--check")
    assert done.code == 0, done.err


def test_a_stale_text_is_found_and_rewritten(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x: begin, made by `make generated` -->\nold\n<!-- x: end -->\nb\n")
    assert marks.write(page, "x", "new", check=True) == 1
    assert "old" in page.read_text()
    assert marks.write(page, "x", "new") == 0
    assert marks.write(page, "x", "new", check=True) == 0
    assert page.read_text().splitlines()[::4] == ["a", "b"]


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(CommandError, match="lacks the line <!-- x: begin"):
        marks.write(page, "x", "new")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_asyncapi_document_is_complete(pitbox: Run) -> None:
    done = pitbox("streams", "asyncapi")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    declared = topology.load()
    assert re.fullmatch(r"3\.\d\.\d", document["asyncapi"])
    assert {"title", "version"} <= document["info"].keys()
    assert document["channels"].keys() == declared.routes.keys()
    for name, channel in document["channels"].items():
        assert channel["address"] == declared.routes[name].subject
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == channel["parameters"].keys()
        assert channel["messages"]
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
    for reference in references(document):
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


def test_the_asyncapi_document_states_the_limits_of_a_stream() -> None:
    channel = asyncapi(topology.load())["channels"]["telemetry.live"]
    assert channel["x-jetstream"]["stream"] == "TELEMETRY"
    assert channel["x-jetstream"]["max_bytes"] == "4GB"


@pytest.mark.parametrize("group", [(), ("streams",), ("dead",)], ids=" ".join)
def test_the_list_of_commands_describes_each_command(pitbox: Run, group: tuple[str, ...]) -> None:
    listed = [line for line in pitbox(*group).out.splitlines() if re.match("│ [a-z]", line)]
    assert listed
    for line in listed:
        assert re.match(r"│ [a-z]+ +[A-Z]", line), line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bogus"], 'Unknown command "bogus"'),
        (["drive", "--f1-port", "99999"], 'Invalid value "99999" for --f1-port'),
        (["sessions", "--limit", "-1"], 'Invalid value "-1" for --limit'),
        (["streams", "graph", "--into", "nowhere.md"], "nowhere.md: No such file or directory"),
        (["up", "--folder", "README.md"], "README.md: File exists"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_on_the_command_line_ends_in_one_line(
    pitbox: Run, arguments: list[str], message: str
) -> None:
    done = pitbox(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"pitbox: {message}")
    assert done.err.count("\n") == 1


@pytest.mark.thorough
def test_the_command_line_takes_the_arguments_of_its_process_and_sets_its_exit_code() -> None:
    command = [sys.executable, "-m", "commands", "drive", "--f1-port", "99999"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith('pitbox: Invalid value "99999" for --f1-port')
