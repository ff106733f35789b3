"""The client repairs a defect of asyncio."""

import asyncio

import pitbox.nats.client  # noqa: F401 - what it does when it is imported is tested


async def test_a_cancellation_that_races_with_an_answer_is_not_lost() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(asyncio.wait_for(answer, 10))
    await asyncio.sleep(0)
    answer.set_result(None)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
