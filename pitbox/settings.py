"""Every setting with its default, read from the environment as PITBOX_<GROUP>__<FIELD>.

A variable that ends in `_FILE` names a file that holds the value, so that a secret need not stand
in the environment.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct

from pitbox.address import NatsAddress, check_postgres

PREFIX: Final = "PITBOX_"

Port = Annotated[int, Meta(ge=0, le=65535)]
Text = Annotated[str, Meta(min_length=1)]
OptionalName = Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,63})?$(?!\n)")]


class SettingsError(Exception):
    """Name the setting that is wrong and say what it takes."""


def _checked(variable: str, check: Callable[[str], object], value: str) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{variable}: {error}") from None


class Listener(Struct, frozen=True, forbid_unknown_fields=True):
    """Where something listens, and with which certificate."""

    host: Annotated[Text, Meta(description="address to listen on; beyond loopback only by TLS")] = (
        "127.0.0.1"
    )
    certificate: Annotated[str, Meta(description="file of the TLS certificate, with its chain")] = (
        ""
    )
    certificate_key: Annotated[str, Meta(description="file of the certificate's key")] = ""


class Nats(Listener, frozen=True, forbid_unknown_fields=True):
    """How to reach nats-server, and where it listens."""

    url: Annotated[
        Text, Meta(description="address of nats-server; beyond this machine it takes tls://")
    ] = "nats://127.0.0.1:4222"
    ca: Annotated[
        str, Meta(description="file of who signed its certificate; empty: whom the system trusts")
    ] = ""
    credentials: Annotated[
        str, Meta(description="file of this program's credentials, or folder with one for each")
    ] = ""
    monitor: Annotated[str, Meta(description="address of its monitoring port, if any")] = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an address that cannot be one, or is not safe."""
        _checked("PITBOX_NATS__URL", NatsAddress, self.url)


class Keys(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the service that signs identities has its keys."""

    folder: Annotated[str, Meta(description="folder with what signs; only `keys` needs it")] = ""


class Allowance(Struct, frozen=True, forbid_unknown_fields=True):
    """How much a driver may send before he is shut out for a while; `keys` sees to it.

    A car at 60 Hz with all channels is 20 messages and 20 kB a second. The app sends what it owes
    at a hundred and fifty times that, a quarter of this: an account has four connections at most.
    What is lent, as seconds of it, is a small part of what the stream of telemetry holds.
    """

    bytes_per_s: Annotated[int, Meta(ge=1, description="bytes that a driver may send a second")] = (
        12_000_000
    )
    messages_per_s: Annotated[
        int, Meta(ge=1, description="messages that a driver may send a second")
    ] = 12_000
    burst_s: Annotated[float, Meta(gt=0, description="so many seconds' worth may come at once")] = 8
    penalty_s: Annotated[
        float, Meta(gt=0, description="who sends more is shut out for so long; twice each time")
    ] = 60
    longest_penalty_s: Annotated[
        float, Meta(gt=0, description="and for so long at most; after so long it is forgiven")
    ] = 900


class Postgres(Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach Postgres."""

    url: Annotated[
        Text, Meta(description="address of the database, with user; password best by URL_FILE")
    ] = "postgresql://pitbox@127.0.0.1:5432/pitbox"

    def __post_init__(self) -> None:
        """Raise ValueError for an address that cannot be one, or is not safe."""
        _checked("PITBOX_POSTGRES__URL", check_postgres, self.url)


class Gateway(Listener, frozen=True, forbid_unknown_fields=True):
    """Where the pit wall is served."""

    port: Annotated[Port, Meta(description="port to listen on")] = 8000
    names: Annotated[
        str, Meta(description="names that it is called by, by commas; loopback is always served")
    ] = ""
    proxies: Annotated[
        str,
        Meta(description="addresses of TLS proxies before it, by commas: only these are believed"),
    ] = ""
    keys: Annotated[
        Text, Meta(description="folder of the keys of access tokens, made if absent")
    ] = "~/.local/share/pitbox/gateway-keys"
    nats_url: Annotated[
        str,
        Meta(description="address of nats-server that drivers' PCs are told; empty: the same"),
    ] = ""
    audit_days: Annotated[
        int, Meta(ge=90, le=36_500, description="for so many days the audit log is kept")
    ] = 400


class Metrics(Listener, frozen=True, forbid_unknown_fields=True):
    """Where a process shows its metrics."""

    port: Annotated[Port, Meta(description="port to listen on, 0 for none")] = 0
    token: Annotated[
        str,
        Meta(
            pattern=r"^([!-~]{16,})?$(?!\n)",
            description="who reads them says this as Bearer, 16 characters or more; best by "
            "TOKEN_FILE; beyond loopback it has to be set",
        ),
    ] = ""


class Driver(Struct, frozen=True, forbid_unknown_fields=True):
    """What a driver's PC says and keeps."""

    name: Annotated[OptionalName, Meta(description="who drives; empty: who is enrolled here")] = ""
    car: Annotated[OptionalName, Meta(description="start number; empty: as the sim says")] = ""
    session: Annotated[OptionalName, Meta(description="session; empty: as the sim says")] = ""
    spool: Annotated[Text, Meta(description="folder that keeps what was driven")] = (
        "~/.local/share/pitbox/spool"
    )
    spool_max_bytes: Annotated[
        int, Meta(ge=1_000_000, description="the spool keeps at most this many bytes")
    ] = 2_000_000_000
    spool_max_age_h: Annotated[
        float, Meta(gt=0, description="the spool keeps what Postgres has for this long")
    ] = 72
    chunk_ms: Annotated[int, Meta(ge=10, le=2000, description="length of a live chunk")] = 50


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """How processes log."""

    format: Annotated[
        Literal["auto", "json", "console"],
        Meta(description="auto: console on a terminal, else json"),
    ] = "auto"
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="least level that is logged: debug, info, warning or error"),
    ] = "info"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold every setting of PitBox."""

    nats: Nats = Nats()
    keys: Keys = Keys()
    allowance: Allowance = Allowance()
    postgres: Postgres = Postgres()
    gateway: Gateway = Gateway()
    metrics: Metrics = Metrics()
    driver: Driver = Driver()
    log: Log = Log()
    streams: Annotated[str, Meta(description="path of streams.yaml; empty: the one shipped")] = ""


# These name things for the developer's tools and tests and are not settings of a service.
NOT_SETTINGS: Final = frozenset({"PITBOX_DATA", "PITBOX_CHROMIUM", "PITBOX_E2E"})


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment; raises SettingsError naming the wrong variable."""
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
        raise SettingsError(_explain(str(error))) from None


def table() -> Iterator[tuple[str, str, str]]:
    """Yield (variable, default, description) of every setting, for the documentation."""
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


def _explain(message: str) -> str:
    """Turn msgspec's path (`$.nats.url`) into the variable's name, unless it stands there."""
    unknown = re.search(r"unknown field `(\w+)`(?: - at `\$\.?([\w.]*)`)?", message)
    if unknown:
        path = ".".join(filter(None, [unknown[2], unknown[1]]))
        return f"{_variable(path)} is not a setting; the README lists them all"
    located = re.search(r"^(.*) - at `\$\.([\w.]+)`$", message)
    if not located:
        return message
    if located[1].startswith(PREFIX):
        return located[1]
    variable = _variable(located[2])
    about = next((about for name, _, about in table() if name == variable), "")
    return f"{variable}: {located[1]}" + (f" ({about})" if about else "")


def _variable(path: str) -> str:
    return PREFIX + path.replace(".", "__").upper()
