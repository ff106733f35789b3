-- migrate:up
set lock_timeout = '2s';

-- A driver who exceeds the allowance is suspended: `shut_until` is the end of the suspension,
-- `penalties` the number of suspensions in a row.
alter table nats_account
    add column shut_until timestamptz,
    add column penalties integer not null default 0;

-- migrate:down
alter table nats_account drop column shut_until, drop column penalties;
