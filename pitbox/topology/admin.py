"""Compare JetStream's streams and durables with streams.yaml, and apply the differences."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, Literal

import nats.errors
import nats.js.errors
from msgspec import Struct
from nats.js import JetStreamContext, api

from pitbox.topology.model import Stream, Topology, TopologyError, seconds, size_bytes
from pitbox.topology.subjects import REST, filters

PAGE = 256
STORE_FAILED: Final = 10049
"""nats-server's error while a deleted stream of the same name still has files."""
STORE_ATTEMPTS: Final = 20
STORE_DELAY_S: Final = 0.1


class Change(Struct, frozen=True):
    """Hold one difference between streams.yaml and nats-server.

    `consumer` is "" for a change of the stream itself. `replace` deletes a durable and creates it.
    """

    action: Literal["create", "update", "replace", "delete"]
    stream: str
    consumer: str = ""
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the change as one line of a plan."""
        what = (
            f"consumer {self.stream}/{self.consumer}" if self.consumer else f"stream {self.stream}"
        )
        return " ".join(
            [self.action, what, *([f"({', '.join(self.differences)})"] * bool(self.differences))]
        )


def subjects(stream: Stream) -> list[str]:
    """Return the subjects that a stream stores."""
    return sorted(route.filter({}) for route in stream.routes.values())


def stream_config(name: str, stream: Stream) -> api.StreamConfig:
    """Return JetStream's configuration of a stream."""
    return api.StreamConfig(
        name=name,
        description=stream.about,
        subjects=subjects(stream),
        storage=api.StorageType(stream.storage),
        discard=api.DiscardPolicy(stream.discard),
        max_age=seconds(stream.max_age),
        max_bytes=size_bytes(stream.max_bytes),
        max_msg_size=size_bytes(stream.max_msg_size),
        max_msgs_per_subject=stream.max_msgs_per_subject or -1,
        num_replicas=stream.replicas,
        allow_direct=True,
    )


def consumer_config(topology: Topology, name: str, stream: str) -> api.ConsumerConfig:
    """Return JetStream's configuration of a consumer's durable on one stream."""
    consumer = topology.consumers[name]
    routes = topology.durables(name)[stream]
    return api.ConsumerConfig(
        durable_name=name,
        description=consumer.about,
        filter_subjects=filters(map(topology.filter, routes), subjects(topology.streams[stream])),
        ack_policy=api.AckPolicy(consumer.ack_policy(stream)),
        # With a backoff nats-server uses its first step as ack_wait, and reports that.
        ack_wait=seconds((consumer.backoff or (consumer.ack_wait,))[0]),
        max_ack_pending=consumer.max_ack_pending,
        max_deliver=-1,
        backoff=[seconds(step) for step in consumer.backoff] or None,
    )


async def plan(js: JetStreamContext, topology: Topology) -> list[Change]:
    """Return the differences between nats-server and streams.yaml, deletions of streams last.

    A durable that reads all of a stream receives whatever it stores, so filters are narrowed before
    a stream gets another subject.
    """
    changes: list[Change] = []
    present = {info.config.name: info.config for info in await _streams(js)}
    for name, stream in topology.streams.items():
        wanted = stream_config(name, stream)
        found = present.get(name)
        durables = await _consumer_plan(js, topology, name, exists=found is not None)
        first = [change for change in durables if _narrows(change, topology)]
        changes += first
        if found is None:
            changes.append(Change("create", name))
        elif differences := _differences(wanted, found):
            changes.append(Change("update", name, differences=differences))
        changes += [change for change in durables if change not in first]
    changes += [Change("delete", str(name)) for name in present if name not in topology.streams]
    return changes


async def apply(js: JetStreamContext, topology: Topology, *, prune: bool = False) -> list[Change]:
    """Change nats-server to match streams.yaml and return the changes made.

    Streams and durables that streams.yaml lacks are deleted only with `prune`. Repeated calls
    change nothing. Raises TopologyError when nats-server refuses a change; those before it stay.
    """
    done = []
    for change in await plan(js, topology):
        if change.action == "delete" and not prune:
            continue
        try:
            await _perform(js, topology, change)
        except nats.js.errors.APIError as error:
            raise TopologyError(f"{change}: nats-server refused: {error.description}") from None
        done.append(change)
    return done


async def restore(js: JetStreamContext, topology: Topology, service: str) -> list[Change]:
    """Create the missing streams and durables of one consumer; return the changes made.

    Existing ones stay unchanged: a service's permissions allow creation only. Raises
    TopologyError.
    """
    done = []
    for stream in topology.streams_of(service):
        wanted = [Change("create", stream)] * (not await _there(js.stream_info(stream)))
        if stream in topology.durables(service) and (
            wanted or not await _there(js.consumer_info(stream, service))
        ):
            wanted.append(Change("create", stream, service))
        for change in wanted:
            try:
                await _perform(js, topology, change)
            except nats.js.errors.APIError as error:
                raise TopologyError(f"{change}: nats-server refused: {error.description}") from None
        done += wanted
    return done


async def _there(info: Awaitable[Any]) -> bool:
    try:
        await info
    except nats.js.errors.NotFoundError:
        return False
    return True


async def _perform(js: JetStreamContext, topology: Topology, change: Change) -> None:
    if change.action == "delete":
        if change.consumer:
            await js.delete_consumer(change.stream, change.consumer)
        else:
            await js.delete_stream(change.stream)
    elif change.consumer:
        wanted = consumer_config(topology, change.consumer, change.stream)
        if change.action == "replace":
            await js.delete_consumer(change.stream, change.consumer)
        await js.add_consumer(change.stream, wanted)
    else:
        config = stream_config(change.stream, topology.streams[change.stream])
        await (_create(js, config) if change.action == "create" else js.update_stream(config))


async def _create(js: JetStreamContext, config: api.StreamConfig) -> None:
    """Create a stream, also while nats-server still removes the files of one of the same name."""
    for _ in range(STORE_ATTEMPTS - 1):
        try:
            await js.add_stream(config)
        except nats.js.errors.APIError as error:
            if error.err_code != STORE_FAILED:
                raise
            await asyncio.sleep(STORE_DELAY_S)
        else:
            return
    await js.add_stream(config)


async def _consumer_plan(
    js: JetStreamContext, topology: Topology, stream: str, *, exists: bool
) -> list[Change]:
    present = {}
    if exists:
        infos = await js.consumers_info(stream)
        present = {
            info.config.durable_name: info.config for info in infos if info.config.durable_name
        }
    changes = []
    wanted_names = set()
    for name in topology.consumers:
        if stream not in topology.durables(name):
            continue
        wanted_names.add(name)
        wanted = consumer_config(topology, name, stream)
        found = present.get(name)
        if found is None:
            changes.append(Change("create", stream, name))
        elif differences := _differences(wanted, found):
            # nats-server cannot change the ack policy of a durable. A new durable reads the stream
            # from its start again, which every consumer tolerates.
            fixed = wanted.ack_policy != found.ack_policy
            action: Literal["replace", "update"] = "replace" if fixed else "update"
            changes.append(Change(action, stream, name, differences))
    return changes + [Change("delete", stream, str(n)) for n in present if n not in wanted_names]


def _narrows(change: Change, topology: Topology) -> bool:
    """Return whether a change leaves a durable with a part of its stream."""
    if change.action not in ("update", "replace"):
        return False
    return consumer_config(topology, change.consumer, change.stream).filter_subjects != [REST]


def _differences(wanted: Any, found: Any) -> tuple[str, ...]:
    """Return the fields of `wanted` whose values differ on the server, as `name: old -> new`."""

    def value(config: Any, name: str) -> Any:
        current = getattr(config, name)
        if name == "filter_subjects" and not current:
            current = [config.filter_subject] if config.filter_subject else []
        return sorted(current) if name in {"subjects", "filter_subjects"} else current

    # nats-server replaces an empty value by its default, so those are not compared.
    names = [name for name in vars(wanted) if getattr(wanted, name)]
    return tuple(
        f"{name}: {value(found, name)} -> {value(wanted, name)}"
        for name in names
        if value(wanted, name) != value(found, name)
    )


async def _streams(js: JetStreamContext) -> list[api.StreamInfo]:
    streams: list[api.StreamInfo] = []
    while True:
        page = await js.streams_info(offset=len(streams))
        streams += page
        if len(page) < PAGE:
            return streams
