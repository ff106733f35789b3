-- migrate:up
set lock_timeout = '2s';

-- `expired` are chunks that Postgres has had and retention has removed: `have` contains them still, so
-- that no spool sends them again. `bytes` is the size of the stored chunks of a run.
alter table run
    add column expired int4multirange not null default '{}',
    add column expired_at timestamptz,
    add column bytes bigint not null default 0;

update run set bytes = (
    select coalesce(sum(upper(part) - lower(part)), 0) from unnest(run.have) as part
) * (
    select case when reltuples > 0 then pg_total_relation_size(oid) / reltuples else 1100 end::bigint
    from pg_class where oid = 'telemetry_chunk'::regclass
);

-- Removed rows make room for new ones only once they are vacuumed.
alter table telemetry_chunk set (autovacuum_vacuum_scale_factor = 0.02);

-- Sessions that retention never removes.
create table pinned (
    session text collate "C" primary key,
    at timestamptz not null default now(),
    by text not null
);

-- What retention removes next, announced on the page: of `part` 'telemetry' the facts stay.
create table retention_due (
    session text collate "C" primary key,
    part text not null check (part in ('telemetry', 'facts')),
    at timestamptz not null,
    announced timestamptz not null default now()
);

grant select, insert, delete on pinned to pitbox_gateway;

-- migrate:down
drop table retention_due;
drop table pinned;
alter table telemetry_chunk reset (autovacuum_vacuum_scale_factor);
alter table run drop column expired, drop column expired_at, drop column bytes;
