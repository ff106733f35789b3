-- migrate:up
set lock_timeout = '2s';

-- Deleted parts of sessions. The runs of a driver in a session up to number `through` are deleted
-- for good: chunks of them that arrive again are dropped, and no facts are derived from them.
-- `through` is below the runs that begin at the deletion (seconds since 1970 above 21 random bits, as
-- runs are numbered), or the highest run stored then. `number` grows with each deletion. `finished` is null while rows or messages may be left,
-- and until then `runs` are those that Postgres had.
create table deleted (
    session text collate "C" not null,
    driver text collate "C" not null,
    through bigint not null,
    at timestamptz not null,
    by text not null,
    runs bigint[] not null,
    number bigint not null,
    finished timestamptz,
    primary key (session, driver)
);
create unique index deleted_number on deleted (number);
create sequence deleted_order owned by deleted.number;

-- Services that store something of a session hold this lock in shared mode, by `deleted_among`, until
-- their transaction ends. So a deletion waits for those that did not see it, and all later ones do.
create function deletion_lock() returns bigint language sql immutable return 5_271_906_113;

create function deleted_among(sessions text[], drivers text[])
returns table (session text, driver text, through bigint, at timestamptz) language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(deletion_lock());
    return query
        select d.session, d.driver, d.through, d.at from deleted as d
        join unnest(sessions, drivers) as asked (s, d) on asked.s = d.session and asked.d = d.driver;
end
$$;

-- Deletes the runs of a driver in a session. What a page shows goes at once; the persister removes the
-- rest, which takes longer.
create function delete_session(of_session text, of_driver text, deleted_by text) returns void
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
revoke execute on function delete_session from public;
grant execute on function delete_session to pitbox_gateway;

-- The function runs with its owner's rights, so it must find the owner's tables.
do $$
begin
    execute format(
        'alter function delete_session(text, text, text) set search_path = pg_catalog, %I, pg_temp',
        current_schema()
    );
end
$$;

-- The gateway refuses to delete what is driven now.
grant select (session, driver, closed, updated) on run to pitbox_gateway;

-- migrate:down
revoke select (session, driver, closed, updated) on run from pitbox_gateway;
drop function delete_session;
drop function deleted_among;
drop function deletion_lock;
drop table deleted;
