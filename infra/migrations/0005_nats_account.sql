-- migrate:up
set lock_timeout = '2s';

-- The drivers' identities, which `keys` pushes to nats-server again after each of its starts.
create table nats_account (
    driver text primary key check (driver ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'),
    account text not null unique,
    jwt text not null,
    enrolled timestamptz not null default now(),
    revoked timestamptz
);
comment on table nats_account is 'one account of nats-server for each driver; its own secret is kept nowhere';
comment on column nats_account.account is 'its public key';
comment on column nats_account.jwt is 'what was last signed of it';

create table nats_user (
    public_key text primary key,
    driver text not null references nats_account,
    expires timestamptz not null
);
comment on table nats_user is 'the PCs that may connect as a driver; their secrets never leave them';
create index on nats_user (driver);

-- migrate:down
drop table nats_user;
drop table nats_account;
