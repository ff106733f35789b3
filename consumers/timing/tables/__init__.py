"""The tables of facts that timing derives: see pitbox/postgres/facts.py."""
