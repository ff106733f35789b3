-- migrate:up
set lock_timeout = '2s';

-- A driver who sent more than he may is shut out for a while: until when, and how often in a row.
alter table nats_account
    add column shut_until timestamptz,
    add column penalties integer not null default 0;

-- migrate:down
alter table nats_account drop column shut_until, drop column penalties;
