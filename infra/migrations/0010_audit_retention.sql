-- migrate:up
set lock_timeout = '2s';

-- Old entries of the audit log may be deleted, by a role that can do nothing else. The least age is
-- fixed here, so that no setting and no mistake can go below it.
create function audit_least_age() returns interval language sql immutable
return interval '90 days';

create or replace function audit_only_grows() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and old.at < now() - audit_least_age() then
        return old;
    end if;
    raise exception 'the audit log only grows';
end
$$;

drop trigger audit_only_grows on audit;
create trigger audit_only_grows before update or delete on audit
for each row execute function audit_only_grows();
create trigger audit_is_not_emptied before truncate on audit
for each statement execute function audit_only_grows();

-- The gateway cannot set the time of an entry.
revoke insert on audit from pitbox_gateway;
grant insert (actor, action, about, address) on audit to pitbox_gateway;

create function audit_forget(days integer) returns bigint
language sql security definer set search_path from current as $$
    with gone as (
        delete from audit where id in (
            select id from audit
            where at < now() - greatest(make_interval(days => days), audit_least_age())
            order by id limit 10000
        )
        returning 1
    )
    select count(*) from gone
$$;
comment on function audit_forget is 'forgets the oldest ten thousand entries of over so many days, 90 at least';
revoke execute on function audit_forget from public;

do $$
begin
    create role pitbox_audit_keeper nologin;
exception when duplicate_object or unique_violation then
    null;
end
$$;

do $$
begin
    if not pg_has_role(current_user, 'pitbox_audit_keeper', 'member') then
        execute 'grant pitbox_audit_keeper to current_user';
    end if;
end
$$;

grant execute on function audit_forget to pitbox_audit_keeper;

-- migrate:down
drop function audit_forget;
revoke insert on audit from pitbox_gateway;
grant select, insert on audit to pitbox_gateway;
drop trigger audit_is_not_emptied on audit;
drop trigger audit_only_grows on audit;
create or replace function audit_only_grows() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log only grows';
end
$$;
create trigger audit_only_grows before update or delete or truncate on audit
for each statement execute function audit_only_grows();
drop function audit_least_age;
