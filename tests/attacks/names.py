"""Attempts to take a name that stands for other drivers."""

import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from pitbox.identity.credentials import read
from pitbox.identity.folder import KeysError
from tests.attacks.scene import MARK, VICTIM, Attempt, Scene
from tests.attacks.wire import Wire

NAMES: Final = (
    *("*", ">", "*.>", "*.s", "bea.*", "bea.>", "bea.s", "bea.", ".bea", "", "$SYS", "$JS"),
    *("_INBOX", "bea x", "bea\t", "bea\n", "bea 2\nSUB >", "bea 2\r\nSUB >"),
    *("\N{FULLWIDTH LATIN SMALL LETTER B}ea", "x" * 5000, "../users/persister"),
)


def names() -> Iterator[Attempt]:
    """Yield every attempt."""
    for name in NAMES:
        label = repr(name) if len(name) < 50 else f"{name[:3]!r} and so on, {len(name)} letters"
        yield Attempt("names", label, partial(_be_named, name=name))


async def _be_named(scene: Scene, name: str) -> str:
    """Submit the name everywhere a name is accepted; an ordinary hub uses it unchecked."""
    if scene.name_gateway is None:
        return await _used_as_it_is(scene, name)
    taken = await scene.name_gateway.accepts(name)
    strangers = await scene.name_gateway.strangers()
    return f"taken by {taken}, known are {strangers}" if taken or strangers else ""


async def _used_as_it_is(scene: Scene, name: str) -> str:
    """Use a name as hubs do that do not check names."""
    for subject in (f"receipt.{name}", f"{name}.>", _tidied(f"receipt.{name}.>")):
        received, stays = await _on_a_wire(scene, lambda wire, at=subject: wire.subscribe(at))
        if received:
            return f"{received} is heard"
        if not stays:
            return "the hub's own connection ends"
    file = scene.server.keys / "drivers" / f"{name[:99]}.creds"
    try:
        return f"the credentials of {read(file).claimed.name} are handed out"
    except KeysError:
        pass
    scene.seen.clear()
    await _on_a_wire(scene, lambda wire: wire.publish(f"hello.{name}", MARK))
    subjects = {subject for subject, payload, _ in scene.seen if payload == MARK}
    return f"hello.{VICTIM} is said" if f"hello.{VICTIM}" in subjects else ""


async def _on_a_wire(scene: Scene, act: Callable[[Wire], None]) -> tuple[str, bool]:
    """Act as the hub; return a foreign subject received, and whether the connection stays."""
    wire = await Wire.open(scene.server, scene.file)
    try:
        act(wire)
        stays = await wire.answers_ping()
        await scene.stir()
        await wire.answers_ping()
        return wire.messages[0][0] if wire.messages else "", stays
    finally:
        await wire.close()


def _tidied(subject: str) -> str:
    """Return a subject without empty tokens, its letters in their plain form."""
    words = unicodedata.normalize("NFKC", subject).split(".")
    return ".".join(word for word in words if word)
