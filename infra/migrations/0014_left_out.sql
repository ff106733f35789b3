-- migrate:up
set lock_timeout = '2s';

-- The telemetry that a driver's PC received and could not use: a list of reasons with their counts.
alter table session add column left_out jsonb not null default '[]';

-- migrate:down
alter table session drop column left_out;
