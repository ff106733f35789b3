-- migrate:up
set lock_timeout = '2s';

-- Facts that are derived from facts of another consumer rest on that one's commit of the generation
-- `source_generation`: where its fold has another one by now, they are derived again. `unpublished`
-- are the places of committed facts that no stream is known to have, null for none. Both are null in
-- folds of chunks.
alter table fold
    add column source_generation bigint,
    add column unpublished bytea;

-- Tracks, learned from laps of any session and driver, and kept when those are deleted: they are of
-- nobody. Several lengths of one name are versions. `line` are x and y in m, from the line on.
create table track (
    track text collate "C" not null,
    version integer not null,
    length_m double precision not null,
    corners jsonb not null,
    line jsonb not null,
    learned timestamptz not null default now(),
    primary key (track, version)
);

-- The track that a driver's session is driven on.
create table session_track (
    session text collate "C" not null,
    driver text collate "C" not null,
    at_ns bigint not null,
    track text collate "C" not null,
    version integer not null,
    primary key (session, driver)
);

-- How the corners of an own lap were driven; the view corner_pass has a row for each corner.
create table passes (
    session text collate "C" not null,
    driver text collate "C" not null,
    at_ns bigint not null,
    car text collate "C" not null,
    lap_number integer not null,
    revision integer not null,
    judged text not null,
    run bigint not null,
    chunks integer[] not null,
    started_ns bigint not null,
    ended_ns bigint not null,
    track text collate "C" not null,
    track_version integer not null,
    track_length_m double precision not null,
    measured text not null,
    lap_time_s double precision,
    judged_until_m double precision,
    passes jsonb not null,
    usual jsonb not null,
    usual_of integer[] not null,
    losses jsonb not null,
    carried_s double precision not null,
    straights jsonb not null,
    incidents jsonb not null,
    laps_needed integer not null,
    primary key (session, driver, car, lap_number)
) with (fillfactor = 80);

-- What is worth saying about a lap; `withdrawn` once the lap no longer shows it.
create table moment (
    session text collate "C" not null,
    driver text collate "C" not null,
    at_ns bigint not null,
    car text collate "C" not null,
    lap_number integer not null,
    revision integer not null,
    cause text not null,
    corner text not null,
    worth_s double precision not null,
    evidence jsonb not null,
    "where" jsonb not null,
    run bigint not null,
    chunks integer[] not null,
    priority integer not null,
    say jsonb not null,
    expires_ns bigint not null,
    usual_of integer[] not null,
    pattern boolean not null,
    withdrawn boolean not null,
    primary key (session, driver, car, lap_number)
);

-- Why nothing is said about a lap.
create table silence (
    session text collate "C" not null,
    driver text collate "C" not null,
    at_ns bigint not null,
    car text collate "C" not null,
    lap_number integer not null,
    revision integer not null,
    reason text not null,
    laps_needed integer not null,
    primary key (session, driver, car, lap_number)
);

-- What a stint shows as a whole; `lap_number` is its first lap that counts.
create table debrief (
    session text collate "C" not null,
    driver text collate "C" not null,
    at_ns bigint not null,
    car text collate "C" not null,
    lap_number integer not null,
    last_lap integer not null,
    revision integer not null,
    laps integer not null,
    best_lap integer not null,
    best_lap_s double precision not null,
    median_lap_s double precision not null,
    theoretical_best_s double precision not null,
    ended boolean not null,
    findings jsonb not null,
    primary key (session, driver, car, lap_number)
) with (fillfactor = 80);

-- One row for each corner of a lap; losses are null where they mean nothing.
create view corner_pass as
select
    p.session, p.driver, p.car, p.lap_number, p.track, p.track_version, p.judged, p.measured,
    one.*,
    lost.entry_s as entry_loss_s, lost.minimum_s as minimum_loss_s, lost.exit_s as exit_loss_s,
    lost.entry_s + lost.minimum_s + lost.exit_s as loss_s
from passes as p
cross join lateral jsonb_to_recordset(p.passes) as one (
    corner text, begins_m double precision, time_s double precision, entry_mps double precision,
    minimum_m double precision, minimum_mps double precision, exit_mps double precision,
    brakes_m double precision, throttle_m double precision, brakes_again_m double precision,
    lifts_m double precision
)
left join lateral (
    select * from jsonb_to_recordset(p.losses) as loss (
        corner text, entry_s double precision, minimum_s double precision, exit_s double precision
    ) where loss.corner = one.corner
) as lost on true;

-- As before, and of the new tables too.
create or replace function delete_session(of_session text, of_driver text, deleted_by text)
returns void
language plpgsql security definer set search_path from current set lock_timeout = '5s' as $$
declare
    known bigint[];
begin
    perform pg_advisory_xact_lock(deletion_lock());
    known = array(select run from run where session = of_session and driver = of_driver);
    insert into deleted as d (session, driver, through, at, by, runs, number)
    values (
        of_session,
        of_driver,
        greatest(
            (floor(extract(epoch from clock_timestamp()))::bigint << 21) - 1,
            (select max(run) from unnest(known) as run)
        ),
        clock_timestamp(),
        deleted_by,
        known,
        nextval('deleted_order')
    )
    on conflict (session, driver) do update set
        through = greatest(d.through, excluded.through),
        at = excluded.at,
        by = excluded.by,
        runs = d.runs || excluded.runs,
        number = excluded.number,
        finished = null;
    delete from fold where session = of_session and driver = of_driver;
    delete from lap where session = of_session and driver = of_driver;
    delete from session where session = of_session and driver = of_driver;
    delete from session_track where session = of_session and driver = of_driver;
    delete from passes where session = of_session and driver = of_driver;
    delete from moment where session = of_session and driver = of_driver;
    delete from silence where session = of_session and driver = of_driver;
    delete from debrief where session = of_session and driver = of_driver;
    delete from run where session = of_session and driver = of_driver;
end
$$;

do $$
begin
    execute format(
        'alter function delete_session(text, text, text) set search_path = pg_catalog, %I, pg_temp',
        current_schema()
    );
end
$$;

-- migrate:down
create or replace function delete_session(of_session text, of_driver text, deleted_by text)
returns void
language plpgsql security definer set search_path from current set lock_timeout = '5s' as $$
declare
    known bigint[];
begin
    perform pg_advisory_xact_lock(deletion_lock());
    known = array(select run from run where session = of_session and driver = of_driver);
    insert into deleted as d (session, driver, through, at, by, runs, number)
    values (
        of_session,
        of_driver,
        greatest(
            (floor(extract(epoch from clock_timestamp()))::bigint << 21) - 1,
            (select max(run) from unnest(known) as run)
        ),
        clock_timestamp(),
        deleted_by,
        known,
        nextval('deleted_order')
    )
    on conflict (session, driver) do update set
        through = greatest(d.through, excluded.through),
        at = excluded.at,
        by = excluded.by,
        runs = d.runs || excluded.runs,
        number = excluded.number,
        finished = null;
    delete from fold where session = of_session and driver = of_driver;
    delete from lap where session = of_session and driver = of_driver;
    delete from session where session = of_session and driver = of_driver;
    delete from run where session = of_session and driver = of_driver;
end
$$;

do $$
begin
    execute format(
        'alter function delete_session(text, text, text) set search_path = pg_catalog, %I, pg_temp',
        current_schema()
    );
end
$$;

drop view corner_pass;
drop table debrief;
drop table silence;
drop table moment;
drop table passes;
drop table session_track;
drop table track;
alter table fold drop column unpublished, drop column source_generation;
