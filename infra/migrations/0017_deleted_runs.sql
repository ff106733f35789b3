-- migrate:up
set lock_timeout = '2s';

-- Runs are numbered by seconds since 1970 with 21 random bits below them. A deletion covers the runs
-- that began until its second ends.
create or replace function delete_session(of_session text, of_driver text, deleted_by text) returns void
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
            ((floor(extract(epoch from clock_timestamp()))::bigint + 1) << 21) - 1,
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

-- migrate:down
create or replace function delete_session(of_session text, of_driver text, deleted_by text) returns void
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
            (extract(epoch from clock_timestamp()) * 1000)::bigint,
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
