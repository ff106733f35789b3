"""The tables of facts that coach derives: see pitbox/postgres/facts.py."""
