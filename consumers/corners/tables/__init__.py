"""The tables of facts that corners derives: see pitbox/postgres/facts.py."""
