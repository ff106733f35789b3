"""The commands of `pitbox`: the one place where producers, consumers and the runtime meet."""
