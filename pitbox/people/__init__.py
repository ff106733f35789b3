"""Accounts, logins, consent and drivers, as Postgres keeps them."""
