-- migrate:up
set lock_timeout = '2s';

-- The function runs with its owner's rights, so it must find the owner's tables. Temporary tables
-- are searched first unless pg_temp is listed last, and any user can create one with the same name
-- and a trigger.
do $$
begin
    execute format(
        'alter function audit_forget(integer) set search_path = pg_catalog, %I, pg_temp',
        current_schema()
    );
end
$$;

-- Only an owner can make an enrolment code for a revoked driver, so the gateway has to read this.
grant select (driver, revoked) on nats_account to pitbox_gateway;

-- migrate:down
revoke select (driver, revoked) on nats_account from pitbox_gateway;
alter function audit_forget(integer) set search_path from current;
