-- migrate:up
set lock_timeout = '2s';

-- `link_hash` is the keyed hash of the code in the QR, by which it is found. `pc` is the name that
-- the PC gave which used one of the two codes.
alter table enrolment add column link_hash bytea unique;
alter table enrolment add column pc text not null default '';

-- migrate:down
alter table enrolment drop column pc;
alter table enrolment drop column link_hash;
