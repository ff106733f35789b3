import { expect, test } from "vitest";
import { OLD_MS, hubWords } from "../../../src/core/link/hub-state";
import type { HubState } from "../../../src/wire";

const well: HubState = {
  type: "hub.state",
  at_ns: 0,
  nats_refuses: false,
  postgres_refuses: false,
  low_room: false,
  free_bytes: 2e9,
};

test("a server that refuses writes is named before the room that is low", () => {
  expect(hubWords(well, 0)).toBe("");
  expect(hubWords({ ...well, low_room: true }, 0)).toContain("nearly full: 2.0 GB are left");
  const refuses = { ...well, low_room: true, nats_refuses: true };
  expect(hubWords(refuses, 0)).toContain("nats-server refuses writes");
  expect(hubWords({ ...refuses, postgres_refuses: true }, 0)).toContain(
    "nats-server and Postgres refuse writes",
  );
});

test("an old state of the hub says nothing about now", () => {
  expect(hubWords({ ...well, nats_refuses: true }, OLD_MS + 1)).toBe("");
});
