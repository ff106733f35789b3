"""Read the settings from the environment, from variables named PITBOX_<GROUP>__<FIELD>.

A variable with `_FILE` after its name holds the path of a file with the value, so that a secret
need not be in the environment.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec
from msgspec import Struct

from pitbox import allowed
from pitbox.settings.tree import Settings

PREFIX: Final = "PITBOX_"


class SettingsError(Exception):
    """Report a wrong setting; the message names its variable and what it accepts."""


# Variables of the developer's tools and tests, which are not settings.
NOT_SETTINGS: Final = frozenset({"PITBOX_DATA", "PITBOX_CHROMIUM", "PITBOX_E2E"})


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of an environment, by default the process's; raises SettingsError."""
    tree: dict[str, Any] = {}
    for variable, value in sorted((os.environ if environment is None else environment).items()):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        path = variable.removeprefix(PREFIX).lower().split("__")
        if path[-1].endswith("_file"):
            path[-1] = path[-1].removesuffix("_file")
            value = _content(variable, value)
        _put(tree, path, value, variable)
    try:
        return msgspec.convert(tree, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(error)) from None


def table() -> Iterator[tuple[str, str, str]]:
    """Yield (variable, default, description) of every setting."""
    for group in msgspec.structs.fields(Settings):
        if isinstance(group.default, Struct):
            hints = get_type_hints(type(group.default), include_extras=True)
            for item in msgspec.structs.fields(type(group.default)):
                yield (
                    f"{PREFIX}{group.name}__{item.name}".upper(),
                    str(item.default),
                    _description(hints[item.name]),
                )
        else:
            hint = get_type_hints(Settings, include_extras=True)[group.name]
            yield f"{PREFIX}{group.name}".upper(), str(group.default), _description(hint)


def _description(hint: Any) -> str:
    for meta in getattr(hint, "__metadata__", ()):
        if meta.description:
            return str(meta.description)
    return ""


def _content(variable: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{variable}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{variable}: {path} is not a text file") from None


def _put(tree: dict[str, Any], path: list[str], value: str, variable: str) -> None:
    *groups, leaf = path
    for group in groups:
        tree = tree.setdefault(group, {})
        if not isinstance(tree, dict):
            raise SettingsError(f"{variable}: {group} is not a group of settings")
    tree[leaf] = value


def _explain(error: msgspec.ValidationError) -> str:
    """Return what is wrong, beginning with the variable's name."""
    path, reason = allowed.explained(error, Settings)
    if reason.startswith(PREFIX):
        return reason
    variable = _variable(path)
    if reason == allowed.UNKNOWN:
        return f"{variable} is not a setting; `pitbox settings` lists them all"
    if path in Settings.__struct_fields__ and isinstance(getattr(Settings(), path), Struct):
        return f"{variable} is a group of settings; `pitbox settings` lists them all"
    about = next((about for name, _, about in table() if name == variable), "")
    return f"{variable}: {reason}" + (f" ({about})" if about else "")


def _variable(path: str) -> str:
    return PREFIX + path.replace(".", "__").upper()
