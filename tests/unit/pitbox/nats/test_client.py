"""The client repairs a defect of asyncio."""

import asyncio

import pytest

import pitbox.nats.client


async def test_a_cancellation_that_races_with_an_answer_is_not_lost() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(asyncio.wait_for(answer, 10))
    await asyncio.sleep(0)
    answer.set_result(None)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (b'NATS/1.0\r\nNats-Request-Info: {"acc":"A"}\r\n\r\n', None),
        (b"NATS/1.0\r\nNats-Request-Info: {}\r\nNats-Msg-Id: 7\r\n\r\n", "7"),
        (b"NATS/1.0\r\nNats-Msg-Id: 7\r\n\r\n", "7"),
        (b"NATS/1.0\r\nNats-Request-Info: {}", None),
    ],
)
async def test_headers_are_parsed_unless_they_only_name_the_sender(
    headers: bytes, found: str | None
) -> None:
    parsed = await pitbox.nats.client.Client()._process_headers(headers)
    assert (parsed or {}).get("Nats-Msg-Id") == found
