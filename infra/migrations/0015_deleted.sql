-- migrate:up
set lock_timeout = '2s';

-- Deleted parts of sessions. The runs of a driver in a session up to number `through` are deleted
-- for good: chunks of them that arrive again are dropped, and no facts are derived from them.
-- `through` is the hub's clock at the deletion (ms, as runs are numbered), or the highest run stored
-- then. `number` grows with each deletion. `finished` is null while rows and messages may be left.
create table deleted (
    session text collate "C" not null,
    driver text collate "C" not null,
    through bigint not null,
    at timestamptz not null default clock_timestamp(),
    by text not null,
    number bigint not null,
    finished timestamptz,
    primary key (session, driver)
);
create unique index deleted_number on deleted (number);
create sequence deleted_order owned by deleted.number;

-- Services that store something of a session hold this lock in shared mode, by `deleted_among`, until
-- their transaction ends. So a deletion waits for those that did not see it, and all later ones do.
create function deletion_lock() returns bigint language sql immutable return 5_271_906_113;

create function deletion_waits() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(deletion_lock());
    new.number = nextval('deleted_order');
    return new;
end
$$;

create trigger deletion_waits before insert or update of through on deleted
for each row execute function deletion_waits();

create function deleted_among(sessions text[], drivers text[])
returns table (session text, driver text, through bigint, at timestamptz) language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(deletion_lock());
    return query
        select d.session, d.driver, d.through, d.at from deleted as d
        join unnest(sessions, drivers) as asked (s, d) on asked.s = d.session and asked.d = d.driver;
end
$$;

-- The gateway deletes for people: it finds the driver's runs and adds the row.
grant select, insert, update on deleted to pitbox_gateway;
grant usage on sequence deleted_order to pitbox_gateway;
grant select (session, driver, run, closed, updated) on run to pitbox_gateway;

-- migrate:down
revoke select (session, driver, run, closed, updated) on run from pitbox_gateway;
drop function deleted_among;
drop table deleted;
drop function deletion_waits;
drop function deletion_lock;
