-- migrate:up
set lock_timeout = '2s';

-- What a PC called itself when it used its code, so that one knows which one a key is; '' for those
-- that were enrolled without a code.
alter table nats_user add column name text not null default '';

-- migrate:down
alter table nats_user drop column name;
