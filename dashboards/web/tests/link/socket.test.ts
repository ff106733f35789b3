import { expect, test } from "vitest";
import { WallSocket, type Received } from "../../src/link/socket";
import { FakeSockets } from "../fakes/sockets";
import { FakeTimers } from "../fakes/timers";

async function started(tickets: (string | null)[] = []) {
  const [timers, sockets] = [new FakeTimers(), new FakeSockets()];
  let connects = 0;
  const address = async () => {
    connects += 1;
    return tickets.length ? (tickets.shift() ?? null) : `ws://hub/live?ticket=${connects}`;
  };
  const socket = new WallSocket(address, sockets.open, timers);
  const events: string[] = [];
  const messages: Received[] = [];
  socket.start({
    opened: () => events.push("opened"),
    received: (message) => messages.push(message),
    accessEnded: () => events.push("access ended"),
  });
  await timers.pass(0);
  return { timers, sockets, socket, events, messages };
}

async function open() {
  const parts = await started();
  parts.sockets.last.accept();
  parts.sockets.last.pong(1_000_000);
  return parts;
}

test("the link counts as open at the first pong, not before", async () => {
  const { socket, sockets, events } = await started();
  sockets.last.accept();
  expect(events).toEqual(["opened"]);
  expect(socket.state.value.kind).toBe("connecting");
  sockets.last.pong(1_000_000);
  expect(socket.state.value.kind).toBe("open");
});

test("a pong sets the hub's clock and reaches no listener; other messages do", async () => {
  const { socket, sockets, timers, messages } = await open();
  expect(socket.hubClock.at(timers.now() + 500)).toBe(1_000_500);
  sockets.last.deliver({ type: "wall.dropped", count: 3 });
  expect(messages).toEqual([{ type: "wall.dropped", count: 3 }]);
});

test("a lost link is opened again with a new ticket, after waits that grow to eight seconds", async () => {
  const { socket, sockets, timers } = await started();
  for (const waitMs of [500, 1000, 2000, 4000, 8000, 8000]) {
    const opened = sockets.all.length;
    sockets.last.fail();
    expect(socket.state.value).toEqual({ kind: "lost", retryAt: timers.now() + waitMs });
    await timers.pass(waitMs - 1);
    expect(sockets.all).toHaveLength(opened);
    await timers.pass(1);
    expect(sockets.all).toHaveLength(opened + 1);
  }
  const addresses = sockets.all.map((one) => one.address);
  expect(new Set(addresses).size).toBe(addresses.length);
});

test("the wait begins anew once a link was open", async () => {
  const { socket, sockets, timers } = await open();
  sockets.last.fail();
  await timers.pass(500);
  sockets.last.accept();
  sockets.last.pong(1_000_000);
  sockets.last.fail();
  expect(socket.state.value).toEqual({ kind: "lost", retryAt: timers.now() + 500 });
});

test("without a ticket no socket is opened, and a ticket is fetched again later", async () => {
  const { socket, sockets, timers } = await started([null, "ws://hub/live?ticket=late"]);
  expect(sockets.all).toHaveLength(0);
  expect(socket.state.value.kind).toBe("lost");
  await timers.pass(500);
  expect(sockets.last.address).toBe("ws://hub/live?ticket=late");
});

test("a link that is silent for six seconds is closed and opened again", async () => {
  const { socket, sockets, timers } = await open();
  await timers.pass(6000);
  expect(socket.state.value.kind).toBe("open");
  await timers.pass(2000);
  expect(socket.state.value.kind).toBe("lost");
  expect(sockets.all[0].readyState).toBe(2);
  await timers.pass(500);
  expect(sockets.all).toHaveLength(2);
});

test("a late close of the socket before does not lose its successor", async () => {
  const { socket, sockets, timers } = await open();
  await timers.pass(8500);
  const [before, after] = sockets.all;
  after.accept();
  after.pong(1_000_000);
  before.fail();
  expect(socket.state.value.kind).toBe("open");
});

test("a link that receives something every few seconds stays", async () => {
  const { socket, sockets, timers } = await open();
  for (let seconds = 0; seconds < 60; seconds += 5) {
    await timers.pass(5000);
    sockets.last.deliver({ type: "wall.dropped", count: 1 });
  }
  expect(socket.state.value.kind).toBe("open");
  expect(sockets.all).toHaveLength(1);
});

test("only the gateway's close code ends access", async () => {
  const { sockets, timers, events } = await open();
  sockets.last.fail(1006);
  await timers.pass(500);
  expect(events).toEqual(["opened"]);
  sockets.last.fail(4401);
  expect(events).toEqual(["opened", "access ended"]);
});

test("a message is dropped while there is no connection", async () => {
  const { socket, sockets } = await started();
  socket.send({ type: "wall.ping", token: 1 });
  expect(sockets.last.sent).toEqual([]);
});

test("after a reconnect the hub's clock comes from the new connection only", async () => {
  const { socket, sockets, timers } = await open();
  sockets.last.fail();
  await timers.pass(500);
  sockets.last.accept();
  await timers.pass(40);
  sockets.last.pong(2_000_020);
  expect(socket.hubClock.at(timers.now())).toBe(2_000_040);
});
