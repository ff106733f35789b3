"""iRacing: its variables and session info in, observations out; live or from a telemetry file."""
