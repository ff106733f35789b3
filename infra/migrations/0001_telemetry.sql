-- migrate:up
set lock_timeout = '2s';

-- The chunks of each run that Postgres has, updated in the transaction that stores them.
-- Multiranges hold chunk numbers: `have` are stored, `dead` are kept as dead letters, `gone` can
-- never arrive: the spool has dropped them. `made` is the number of chunks made, null until the first mark.
create table run (
    session text collate "C" not null,
    driver text collate "C" not null,
    run bigint not null,
    made integer,
    closed boolean not null default false,
    have int4multirange not null default '{}',
    dead int4multirange not null default '{}',
    gone int4multirange not null default '{}',
    echo bigint not null default -1,
    first_seen timestamptz not null default now(),
    updated timestamptz not null default now(),
    primary key (session, driver, run)
) with (fillfactor = 50);

-- Chunks of frames as the driver's spool sent them. `channels` is a little-endian bitmap of channel
-- ids, `block` is lz4 over frame times and float32 rows, `observed` holds the sim's other
-- observations (null for none), `crc` is the crc32 of `block` and `observed`. The plain columns are
-- the values of the chunk's last frame, null where the car lacks them; `fuel` is litres, else kg.
-- No foreign key to run: both are written in one transaction, and the check would cost per row.
create table telemetry_chunk (
    session text collate "C" not null,
    driver text collate "C" not null,
    run bigint not null,
    chunk integer not null,
    first_frame bigint not null,
    frames integer not null,
    captured_ns bigint not null,
    ended_ns bigint not null,
    lap_number integer,
    position integer,
    lap_distance real,
    speed real,
    world_x real,
    world_y real,
    fuel real,
    crc bigint not null,
    channels bytea not null,
    block bytea not null,
    observed bytea,
    primary key (session, driver, run, chunk)
);

-- lz4 blocks do not compress again.
alter table telemetry_chunk alter column block set storage external;

create index telemetry_chunk_time on telemetry_chunk (session, driver, captured_ns);

-- migrate:down
drop table telemetry_chunk;
drop table run;
