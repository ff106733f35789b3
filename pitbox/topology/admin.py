"""Make JetStream what streams.yaml says: a plan of differences, and its application."""

from collections.abc import Awaitable
from typing import Any, Literal

import nats.errors
import nats.js.errors
from msgspec import Struct
from nats.js import JetStreamContext, api

from pitbox.topology.model import Stream, Topology, TopologyError, seconds, size_bytes

PAGE = 256


class Change(Struct, frozen=True):
    """One difference between streams.yaml and the server."""

    action: Literal["create", "update", "replace", "delete"]
    stream: str
    consumer: str = ""
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write the change as one line of a plan."""
        what = (
            f"consumer {self.stream}/{self.consumer}" if self.consumer else f"stream {self.stream}"
        )
        return " ".join(
            [self.action, what, *([f"({', '.join(self.differences)})"] * bool(self.differences))]
        )


def stream_config(name: str, stream: Stream) -> api.StreamConfig:
    """Return what the server is told of a stream."""
    return api.StreamConfig(
        name=name,
        description=stream.about,
        subjects=sorted(route.filter({}) for route in stream.routes.values()),
        storage=api.StorageType(stream.storage),
        discard=api.DiscardPolicy(stream.discard),
        max_age=seconds(stream.max_age),
        max_bytes=size_bytes(stream.max_bytes),
        max_msg_size=size_bytes(stream.max_msg_size),
        num_replicas=stream.replicas,
        allow_direct=True,
    )


def consumer_config(topology: Topology, name: str, stream: str) -> api.ConsumerConfig:
    """Return what the server is told of a consumer's durable on one stream."""
    consumer = topology.consumers[name]
    routes = topology.durables(name)[stream]
    return api.ConsumerConfig(
        durable_name=name,
        description=consumer.about,
        filter_subjects=sorted(topology.filter(route) for route in routes),
        ack_policy=api.AckPolicy(consumer.ack_policy(stream)),
        # With a backoff the server waits for its first step instead.
        ack_wait=seconds((consumer.backoff or (consumer.ack_wait,))[0]),
        max_ack_pending=consumer.max_ack_pending,
        max_deliver=-1,
        backoff=[seconds(step) for step in consumer.backoff] or None,
    )


async def plan(js: JetStreamContext, topology: Topology) -> list[Change]:
    """Return what has to change on the server, deletions last."""
    changes: list[Change] = []
    present = {info.config.name: info.config for info in await _streams(js)}
    for name, stream in topology.streams.items():
        wanted = stream_config(name, stream)
        found = present.get(name)
        if found is None:
            changes.append(Change("create", name))
        elif differences := _differences(wanted, found):
            changes.append(Change("update", name, differences=differences))
        changes += await _consumer_plan(js, topology, name, exists=found is not None)
    changes += [Change("delete", str(name)) for name in present if name not in topology.streams]
    return changes


async def apply(js: JetStreamContext, topology: Topology, *, prune: bool = False) -> list[Change]:
    """Make the server match streams.yaml; delete what is not in it only with `prune`.

    Returns what was done. Raises TopologyError when the server refuses.
    """
    done = []
    for change in await plan(js, topology):
        if change.action == "delete" and not prune:
            continue
        try:
            await _perform(js, topology, change)
        except nats.js.errors.APIError as error:
            raise TopologyError(f"{change}: nats-server says {error.description}") from None
        done.append(change)
    return done


async def restore(js: JetStreamContext, topology: Topology, service: str) -> list[Change]:
    """Make the streams and durables of one consumer that are gone; return what was made.

    It changes nothing that is there, and a service may do no more. Raises TopologyError.
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
                raise TopologyError(f"{change}: nats-server says {error.description}") from None
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
        await (js.add_stream if change.action == "create" else js.update_stream)(config)


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
            # The server keeps this for good. A new durable reads the stream again, which every
            # consumer bears.
            fixed = wanted.ack_policy != found.ack_policy
            action: Literal["replace", "update"] = "replace" if fixed else "update"
            changes.append(Change(action, stream, name, differences))
    return changes + [Change("delete", stream, str(n)) for n in present if n not in wanted_names]


def _differences(wanted: Any, found: Any) -> tuple[str, ...]:
    """Name the fields that we set and the server has otherwise."""

    def value(config: Any, name: str) -> Any:
        current = getattr(config, name)
        if name == "filter_subjects" and not current:
            current = [config.filter_subject] if config.filter_subject else []
        return sorted(current) if name in {"subjects", "filter_subjects"} else current

    # To the server an empty value is its own default.
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
