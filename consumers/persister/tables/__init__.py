"""The tables of facts: one file for each kind of event that becomes a row.

A file NAME.py here is all that the persister needs to keep a kind of event in the table NAME. It is
found by the type of its event when the persister starts, and has

- `EVENT`: the struct of the event, as in schemas/registry.py;
- `UPSERT`: the statement that writes one row, with parameters $1, $2 and so on. An event may come
  any number of times, so repeating the statement has to leave the table as it was;
- `parameters(event)`: the values of $1, $2 and so on, in types that asyncpg takes for the columns.
  Texts lose their NUL characters and numbers that are not finite become NULL afterwards.

A file in infra/migrations makes the table itself, and the persister reads the event's stream once
its route is among the persister's `reads` in streams.yaml. Chunks and marks have no file here:
rows.py and store.py write them with COPY.
"""
