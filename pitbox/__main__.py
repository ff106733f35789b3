"""Run the command line as `python -m pitbox`."""

from pitbox.cli import main

main()
