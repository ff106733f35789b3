"""The command line: names, help and exit codes; each command has a module in `commands`."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CoercionError, CycloptsError

from pitbox import __version__, allowed
from pitbox.identity.folder import KeysError
from pitbox.settings import SettingsError
from pitbox.topology import TopologyError

app = App(
    name="pitbox",
    version=__version__,
    help="A live pit wall: telemetry from the game to Postgres and the browser, nothing lost.",
)
streams = App(name="streams", help="Apply streams.yaml to nats-server, and export it.")
streams.command("commands.streams:plan")
streams.command("commands.streams:apply")
streams.command("commands.streams:graph")
streams.command("commands.streams:asyncapi")
streams.command("commands.streams:typescript")
app.command(streams)
dead = App(name="dead", help="List, show and retry dead letters.")
dead.command("commands.dead:list_letters", name="list")
dead.command("commands.dead:show")
dead.command("commands.dead:retry")
app.command(dead)
keys = App(name="keys", help="Configure nats-server, and rotate the hub's keys.")
keys.command("commands.keys:config")
keys.command("commands.keys:rotate_operator")
keys.command("commands.keys:retire_operator")
keys.command("commands.keys:rotate_drivers")
keys.command("commands.keys:retire_drivers")
keys.command("commands.keys:rotate_services")
app.command(keys)
driver = App(name="driver", help="List, enrol and revoke drivers.")
driver.command("commands.driver:list_drivers", name="list")
driver.command("commands.driver:enrol")
driver.command("commands.driver:revoke")
app.command(driver)
account = App(name="account", help="Manage accounts of the pit wall.")
account.command("commands.account:list_accounts", name="list")
account.command("commands.account:create")
account.command("commands.account:invite")
account.command("commands.account:link")
account.command("commands.account:password")
account.command("commands.account:role")
account.command("commands.account:disable")
account.command("commands.account:enable")
app.command(account)
GROUPS: Final = (streams, dead, keys, driver, account)
app.command("commands.drive:drive")
app.command("commands.imports:import_file", name="import")
app.command("commands.sim:sim")
app.command("commands.laps:laps")
app.command("commands.sessions:app", name="sessions")
app.command("commands.rebuild:rebuild")
app.command("commands.rerun:rerun")
app.command("commands.run:run")
app.command("commands.migrate:migrate")
app.command("commands.stack:stack")
app.command("commands.stack:up")
app.command("commands.stack:demo")
app.command("commands.stack:down")
app.command("commands.stack:status")
app.command("commands.settings:settings")
app.command("commands.doctor:doctor")


INTERRUPTED: Final = 130


class CommandError(Exception):
    """State in one sentence why a command failed, and the remedy."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's mistake ends in one line on stderr and exit code 2.

    `arguments` are those of the process unless they are given. Raises SystemExit in every case.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if {*words} <= {*(name for group in GROUPS for name in group.name), *app.help_flags}:
        # The list of commands shows the docstring of each, so their modules are needed.
        for group in (app, *GROUPS):
            group.resolved_commands()
    try:
        code = app(words, exit_on_error=False, print_error=False)
    except CoercionError as error:
        print(f"pitbox: {_sentence(error)}", file=sys.stderr)
        raise SystemExit(2) from None
    except (SettingsError, TopologyError, KeysError, CommandError, CycloptsError) as error:
        print(f"pitbox: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except ModuleNotFoundError as error:
        print(f"pitbox: this needs {error.name}, which is not installed here", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        if error.filename is None:
            raise
        print(f"pitbox: {error.filename}: {error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def _sentence(error: CoercionError) -> str:
    """Return what is wrong with an argument; Cyclopts names a type of Python."""
    if error.token is None or error.target_type not in (int, float, bool):
        return str(error)
    named = error.argument.name.lstrip("-").upper() if error.argument else ""
    name = error.token.keyword or named
    wrong = f'"{error.token.value}" is not allowed'
    return f"{name}: {wrong}, it takes {allowed.takes(error.target_type)}"
