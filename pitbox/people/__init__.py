"""Store people in Postgres: accounts, logins, consents, drivers, enrolment codes, the audit log.

Functions take an open asyncpg connection and raise what it raises; a caller that needs several to
happen together wraps them in a transaction. Passwords are stored as argon2id hashes; tokens, links
and codes as SHA-256 or HMAC. No secret is stored in clear. Access tokens and WebSocket tickets are
not stored at all.
"""
