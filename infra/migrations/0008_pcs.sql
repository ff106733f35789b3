-- migrate:up
set lock_timeout = '2s';

-- A PC that was lost is shut out alone. It may be enrolled again, but by nothing that was signed
-- before: nats-server compares when.
alter table nats_user
    add column enrolled timestamptz not null default now(),
    add column renewed timestamptz,
    add column revoked timestamptz;

-- migrate:down
alter table nats_user drop column enrolled, drop column renewed, drop column revoked;
