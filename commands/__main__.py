"""Run the command line as `python -m commands`."""

from commands.cli import main

main()
