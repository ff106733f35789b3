-- migrate:up
set lock_timeout = '2s';

-- Ranges of chunks that Postgres lacks; `gone` marks one that can never arrive.
create view holes as
with expected as (
    select
        session,
        driver,
        run,
        gone,
        int4multirange(int4range(0, greatest(made, upper(have), upper(dead), 0)))
        - have - dead as missing
    from run
)
select
    e.session,
    e.driver,
    e.run,
    lower(part.hole) as first_chunk,
    upper(part.hole) - 1 as last_chunk,
    upper(part.hole) - lower(part.hole) as chunks,
    part.gone
from expected as e
cross join lateral (
    select unnest(e.missing - e.gone) as hole, false as gone
    union all
    select unnest(e.missing * e.gone) as hole, true as gone
) as part;

-- Laps in a readable form, joined with their session.
create view lap_list as
select
    l.session,
    l.driver,
    l.car,
    l.lap_number,
    l.own,
    l.lap_time_s,
    floor(round(l.lap_time_s::numeric, 3) / 60)::text
    || ':' || to_char(round(l.lap_time_s::numeric, 3) % 60, 'FM00.000') as lap_time,
    l.timed_by,
    l.sectors_s,
    l.valid,
    l.in_lap,
    l.out_lap,
    l.pit,
    l.complete,
    l.frames,
    l.fuel_used,
    to_timestamp(l.started_ns / 1e9) as started,
    to_timestamp(l.ended_ns / 1e9) as ended,
    s.source,
    s.kind,
    s.track,
    s.car_model
from lap as l
left join session as s using (session, driver);

-- migrate:down
drop view lap_list;
drop view holes;
