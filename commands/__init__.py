"""The command line `pitbox`: one module per command, where producers, consumers and pitbox meet."""
