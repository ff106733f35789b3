-- migrate:up
set lock_timeout = '2s';

-- One PC can be revoked alone, for example a lost one. It can be enrolled again, but a JWT from
-- before stays invalid: nats-server compares its time of issue with `revoked`.
alter table nats_user
    add column enrolled timestamptz not null default now(),
    add column renewed timestamptz,
    add column revoked timestamptz;

-- migrate:down
alter table nats_user drop column enrolled, drop column renewed, drop column revoked;
