-- migrate:up
set lock_timeout = '2s';

-- People of the team. `driver` is the name under which a person drives, null for one who does not;
-- `password` is an argon2id hash, null until one is chosen.
create table account (
    account uuid primary key default gen_random_uuid(),
    name text collate "C" not null unique,
    role text not null check (role in ('owner', 'engineer', 'driver', 'guest')),
    driver text collate "C" unique,
    password text,
    disabled boolean not null default false,
    created timestamptz not null default now()
);

-- One person on one device from login to logout; all refresh tokens of it are one family.
create table login (
    sid uuid primary key default gen_random_uuid(),
    account uuid not null references account,
    began timestamptz not null default now(),
    ends timestamptz not null,
    ended timestamptz,
    reason text
);

create index login_account on login (account) where ended is null;

-- Refresh tokens by their SHA-256; each is used once, within `idle_until`.
create table refresh_token (
    hash bytea primary key,
    sid uuid not null references login on delete cascade,
    idle_until timestamptz not null,
    used timestamptz
);

create index refresh_token_sid on refresh_token (sid);

-- One-time links by the SHA-256 of their secret: to log in, or to choose a password.
create table one_time_link (
    hash bytea primary key,
    account uuid not null references account,
    purpose text not null check (purpose in ('login', 'invitation')),
    expires timestamptz not null,
    used timestamptz
);

-- Codes that enrol a driver's PC. `handle` is the beginning of the code, by which it is found. `hash`
-- is a keyed hash of the whole code, because a plain hash of a short code could be reversed.
create table enrolment (
    handle text collate "C" primary key,
    hash bytea not null,
    driver text collate "C" not null,
    made_by uuid not null references account,
    tries integer not null default 0,
    expires timestamptz not null,
    used timestamptz
);

-- The drivers' consents. A missing row means the default in pitbox/people/consent.py.
create table consent (
    driver text collate "C" not null,
    kind text not null check (kind in ('telemetry', 'camera', 'microphone')),
    role text not null check (role in ('owner', 'engineer', 'driver', 'guest')),
    allowed boolean not null,
    changed timestamptz not null default now(),
    primary key (driver, kind, role)
);

-- The audit log, append-only: the gateway's role may only insert and read, and a trigger rejects
-- updates and deletions by any role.
create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor uuid,
    action text not null,
    about text not null default '',
    address text not null default ''
);

create function audit_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log only grows';
end
$$;

create trigger audit_only_grows before update or delete or truncate on audit
for each statement execute function audit_only_grows();

-- Roles belong to the whole cluster, so a migration of another database may have created it.
do $$
begin
    create role pitbox_gateway nologin;
exception when duplicate_object or unique_violation then
    null;
end
$$;

do $$
begin
    if not pg_has_role(current_user, 'pitbox_gateway', 'member') then
        execute 'grant pitbox_gateway to current_user';
    end if;
end
$$;

grant select, insert, update on account, login, refresh_token, one_time_link, enrolment, consent
to pitbox_gateway;
grant delete on login, refresh_token, one_time_link, enrolment to pitbox_gateway;
grant select, insert on audit to pitbox_gateway;

-- migrate:down
drop table audit;
drop function audit_only_grows;
drop table consent;
drop table enrolment;
drop table one_time_link;
drop table refresh_token;
drop table login;
drop table account;
