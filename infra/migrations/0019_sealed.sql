-- migrate:up
set lock_timeout = '2s';

-- Sealed telemetry: a row holds the chunks from `chunk` to `last_chunk` of a run, as columns in
-- `block` (pitbox/chunks/sealing.py, with a crc over all of it). Times are of chunks with frames; lap
-- to fuel are the values of the last frame.
create table telemetry_block (
    run bigint not null,
    first_frame bigint not null,
    captured_ns bigint not null,
    ended_ns bigint not null,
    chunk integer not null,
    last_chunk integer not null,
    frames integer not null,
    lap_number integer,
    position integer,
    lap_distance real,
    speed real,
    world_x real,
    world_y real,
    fuel real,
    session text collate "C" not null,
    driver text collate "C" not null,
    channels bytea not null,
    block bytea not null,
    primary key (session, driver, run, chunk)
);
alter table telemetry_block alter column block set storage external;
create index telemetry_block_time on telemetry_block (session, driver, captured_ns);

-- The chunks of `have` that are in telemetry_block; those neither sealed nor expired are in
-- telemetry_chunk.
alter table run add column sealed int4multirange not null default '{}';

-- All telemetry, whether sealed or not: a row is a chunk of about 50 ms, or a second of them.
create view telemetry as
select
    session, driver, run, chunk, chunk as last_chunk, first_frame, frames, captured_ns, ended_ns,
    lap_number, position, lap_distance, speed, world_x, world_y, fuel,
    channels, block, false as sealed
from telemetry_chunk
union all
select
    session, driver, run, chunk, last_chunk, first_frame, frames, captured_ns, ended_ns,
    lap_number, position, lap_distance, speed, world_x, world_y, fuel,
    channels, block, true as sealed
from telemetry_block;

-- migrate:down
do $$
begin
    if exists (select from telemetry_block) then
        raise exception 'sealed telemetry is read by this version only';
    end if;
end
$$;
drop view telemetry;
alter table run drop column sealed;
drop table telemetry_block;
