-- migrate:up
set lock_timeout = '2s';

-- Sealed telemetry: a row holds the chunks from `chunk` to `last_chunk` of a run, as columns in
-- `block` (pitbox/chunks/sealing.py, with a crc over all of it). `captured_ns` and `ended_ns` are of
-- chunks with frames. The arrays are the plain columns of each chunk, as in telemetry_chunk, null
-- where all are; `ends_us` is from `captured_ns` to the chunk's last frame.
create table telemetry_block (
    run bigint not null,
    first_frame bigint not null,
    captured_ns bigint not null,
    ended_ns bigint not null,
    chunk integer not null,
    last_chunk integer not null,
    frames integer not null,
    session text collate "C" not null,
    driver text collate "C" not null,
    channels bytea not null,
    block bytea not null,
    ends_us integer[] not null,
    lap_number integer[],
    position integer[],
    lap_distance real[],
    speed real[],
    world_x real[],
    world_y real[],
    fuel real[],
    primary key (session, driver, run, chunk)
);
alter table telemetry_block alter column block set storage external;
create index telemetry_block_time on telemetry_block (session, driver, captured_ns);

-- The chunks of `have` that are in telemetry_block; those neither sealed nor expired are in
-- telemetry_chunk.
alter table run add column sealed int4multirange not null default '{}';

-- What is stored: a row is a chunk, or a sealed block of chunks.
create view telemetry_part as
select
    session, driver, run, chunk, chunk as last_chunk, first_frame, frames, captured_ns, ended_ns,
    channels, block, false as sealed
from telemetry_chunk
union all
select
    session, driver, run, chunk, last_chunk, first_frame, frames, captured_ns, ended_ns,
    channels, block, true as sealed
from telemetry_block;

-- The plain columns of all chunks, whether sealed or not. `captured_ns` is that of the stored row,
-- by which a range of time is found; values are those at `ended_ns`.
create view telemetry as
select
    session, driver, run, chunk, captured_ns, ended_ns,
    lap_number, position, lap_distance, speed, world_x, world_y, fuel, false as sealed
from telemetry_chunk
union all
select
    b.session, b.driver, b.run, b.chunk + each.place::integer - 1, b.captured_ns,
    b.captured_ns + each.end_us * 1000::bigint,
    each.lap_number, each.position, each.lap_distance, each.speed, each.world_x, each.world_y,
    each.fuel, true as sealed
from telemetry_block as b
cross join lateral unnest(
    b.ends_us, b.lap_number, b.position, b.lap_distance, b.speed, b.world_x, b.world_y, b.fuel
) with ordinality as each (
    end_us, lap_number, position, lap_distance, speed, world_x, world_y, fuel, place
);

-- migrate:down
do $$
begin
    if exists (select from telemetry_block) then
        raise exception 'sealed telemetry is read by this version only';
    end if;
end
$$;
drop view telemetry;
drop view telemetry_part;
alter table run drop column sealed;
drop table telemetry_block;
