-- migrate:up
set lock_timeout = '2s';

-- The version of a chunk decides what its `crc` covers: all of the chunk except its send number, in
-- version 1 `block` and `observed` alone.
alter table telemetry_chunk add column version smallint not null default 1;

-- migrate:down
alter table telemetry_chunk drop column version;
