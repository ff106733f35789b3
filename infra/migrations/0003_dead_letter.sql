-- migrate:up
set lock_timeout = '2s';

-- Messages that a consumer could not process, kept whole. `at_ns` is when the stream stored the
-- message, `created_ns` when the stream was created: a re-created or restored stream uses the same
-- sequence numbers again.
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
