"""Authenticate requests, authorise them by role, and close sockets whose login has ended.

Reads logins, accounts and consents from Postgres, for each request and once a second for open
sockets. Writes nothing. While Postgres is down, requests are rejected; an open socket stays open
for as long as an access token is valid.
"""
