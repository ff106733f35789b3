-- migrate:up
set lock_timeout = '2s';

create table session (
    session text collate "C" not null,
    driver text collate "C" not null,
    at_ns bigint not null,
    source text not null,
    source_version text not null,
    kind text not null,
    track text not null,
    track_length_m double precision,
    car text not null,
    car_model text not null,
    sectors integer not null,
    started_ns bigint not null,
    finished_ns bigint,
    primary key (session, driver)
);

-- Laps of any car as recorded by `driver`'s PC; `own` marks those of that driver's own car.
create table lap (
    session text collate "C" not null,
    driver text collate "C" not null,
    car text collate "C" not null,
    lap_number integer not null,
    revision integer not null,
    at_ns bigint not null,
    own boolean not null,
    lap_time_s double precision,
    timed_by text not null,
    sectors_s double precision[] not null,
    valid boolean not null,
    in_lap boolean not null,
    out_lap boolean not null,
    pit boolean not null,
    complete boolean not null,
    frames integer not null,
    run bigint not null,
    started_ns bigint,
    ended_ns bigint,
    fuel_used double precision,
    primary key (session, driver, car, lap_number)
) with (fillfactor = 80);

-- migrate:down
drop table lap;
drop table session;
