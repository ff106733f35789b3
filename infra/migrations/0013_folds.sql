-- migrate:up
set lock_timeout = '2s';

-- The facts of a driver in a session are derived from chunks: `state` is a snapshot of the fold, null
-- for none, and `folded` names the chunks in it. Facts, snapshot and `folded` are written in one
-- transaction, so they agree whatever copy Postgres is restored to. `generation` changes with each
-- write: a process that holds another one reads the row again.
create table fold (
    consumer text collate "C" not null,
    session text collate "C" not null,
    driver text collate "C" not null,
    version integer not null,
    generation bigint not null,
    state bytea,
    updated timestamptz not null default now(),
    primary key (consumer, session, driver)
);

create table folded (
    consumer text collate "C" not null,
    session text collate "C" not null,
    driver text collate "C" not null,
    run bigint not null,
    chunks int4multirange not null,
    primary key (consumer, session, driver, run),
    foreign key (consumer, session, driver) references fold on delete cascade
);

-- When the stream stored the newest message that the persister had read as it wrote the row: chunks
-- published before that are in Postgres, or were lost on the way.
alter table run add column read_ns bigint not null default 0;

-- migrate:down
alter table run drop column read_ns;
drop table folded;
drop table fold;
