-- migrate:up
set lock_timeout = '2s';

-- Ranges of chunks that Postgres lacks; `gone` marks one that can never arrive, `refused` one that
-- arrived and could not be used: it is a dead letter, or was counted.
create or replace view holes as
with expected as (
    select
        session,
        driver,
        run,
        gone,
        dead,
        int4multirange(int4range(0, greatest(made, upper(have), upper(dead), 0))) - have as missing
    from run
)
select
    e.session,
    e.driver,
    e.run,
    lower(part.hole) as first_chunk,
    upper(part.hole) - 1 as last_chunk,
    upper(part.hole) - lower(part.hole) as chunks,
    part.gone,
    part.refused
from expected as e
cross join lateral (
    select unnest(e.missing - e.gone - e.dead) as hole, false as gone, false as refused
    union all
    select unnest(e.missing * e.gone - e.dead) as hole, true as gone, false as refused
    union all
    select unnest(e.missing * e.dead) as hole, true as gone, true as refused
) as part;

-- migrate:down
drop view holes;

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
