"""The command line: names, help and exit codes; each command stands in `commands`."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

from pitbox import __version__
from pitbox.identity.folder import KeysError
from pitbox.settings import SettingsError
from pitbox.topology import TopologyError

app = App(
    name="pitbox",
    version=__version__,
    help="A live pit wall: telemetry from the game to Postgres and the browser, nothing lost.",
)
streams = App(name="streams", help="Make nats-server what streams.yaml says.")
streams.command("commands.streams:plan")
streams.command("commands.streams:apply")
streams.command("commands.streams:graph")
streams.command("commands.streams:asyncapi")
streams.command("commands.streams:typescript")
app.command(streams)
dead = App(name="dead", help="Look at messages that a consumer gave up on.")
dead.command("commands.dead:list_letters", name="list")
dead.command("commands.dead:show")
dead.command("commands.dead:retry")
app.command(dead)
keys = App(name="keys", help="Write what nats-server needs to know, and change the hub's keys.")
keys.command("commands.keys:config")
keys.command("commands.keys:rotate_operator")
keys.command("commands.keys:retire_operator")
keys.command("commands.keys:rotate_drivers")
keys.command("commands.keys:retire_drivers")
keys.command("commands.keys:rotate_services")
app.command(keys)
driver = App(name="driver", help="Say who may drive.")
driver.command("commands.driver:list_drivers", name="list")
driver.command("commands.driver:enrol")
driver.command("commands.driver:revoke")
app.command(driver)
account = App(name="account", help="Say who may watch, and as what.")
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
app.command("commands.sessions:sessions")
app.command("commands.run:run")
app.command("commands.migrate:migrate")
app.command("commands.stack:stack")
app.command("commands.stack:up")
app.command("commands.stack:demo")
app.command("commands.stack:down")
app.command("commands.stack:status")
app.command("commands.settings:settings")
app.command("commands.doctor:doctor")


class CommandError(Exception):
    """Say in one sentence why a command cannot do what was asked."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; mistakes of the user end in one line on stderr and exit code 2.

    `arguments` are those of the process unless they are given. Raises SystemExit in every case.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if {*words} <= {*(name for group in GROUPS for name in group.name), *app.help_flags}:
        # A list of commands shows what each says of itself, which stands in its module.
        for group in (app, *GROUPS):
            group.resolved_commands()
    try:
        code = app(words, exit_on_error=False, print_error=False)
    except (SettingsError, TopologyError, KeysError, CommandError, CycloptsError) as error:
        print(f"pitbox: {error}", file=sys.stderr)
        raise SystemExit(2) from None
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
