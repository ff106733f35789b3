-- migrate:up
set lock_timeout = '2s';

-- The code within the QR, which is found by its keyed hash alone; `pc` is what the PC calls itself
-- that used one of both.
alter table enrolment add column link_hash bytea unique;
alter table enrolment add column pc text not null default '';

-- migrate:down
alter table enrolment drop column pc;
alter table enrolment drop column link_hash;
