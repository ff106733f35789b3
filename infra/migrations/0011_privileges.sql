-- migrate:up
set lock_timeout = '2s';

-- It does what its owner may, so it must find his tables: those of a session, where anybody may put
-- one of the same name with a trigger of his own, come first unless they are said to come last.
do $$
begin
    execute format(
        'alter function audit_forget(integer) set search_path = pg_catalog, %I, pg_temp',
        current_schema()
    );
end
$$;

-- Whoever was shut out is let in again by an owner only, so the gateway has to know of it.
grant select (driver, revoked) on nats_account to pitbox_gateway;

-- migrate:down
revoke select (driver, revoked) on nats_account from pitbox_gateway;
alter function audit_forget(integer) set search_path from current;
