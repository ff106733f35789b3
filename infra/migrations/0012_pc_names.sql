-- migrate:up
set lock_timeout = '2s';

-- The name that a PC gave at enrolment, to recognise it by; '' for one enrolled without a code.
alter table nats_user add column name text not null default '';

-- migrate:down
alter table nats_user drop column name;
