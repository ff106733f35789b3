-- migrate:up
set lock_timeout = '2s';

-- Messages that a consumer gave up on, whole. `at_ns` is when the message was stored, `created_ns`
-- the stream's birth: a stream that was made anew or put back uses its sequences again.
create table dead_letter (
    consumer text collate "C" not null,
    stream text collate "C" not null,
    created_ns bigint not null,
    sequence bigint not null,
    subject text not null,
    reason text not null,
    payload bytea not null,
    tries integer not null,
    at_ns bigint not null,
    kept timestamptz not null default now(),
    primary key (consumer, stream, sequence, at_ns)
);

create index dead_letter_kept on dead_letter (kept);

-- migrate:down
drop table dead_letter;
