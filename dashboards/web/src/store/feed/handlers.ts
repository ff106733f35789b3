/** The live feed's table: a handler for each type of message; tsc refuses a type without one. */

import type { Received } from "../../link/socket";
import { takeCars, takeEntries } from "./cars";
import { takeDebrief, takeMoment, takeSilence } from "./coach";
import { takePasses, takeTrack } from "./corners";
import { takeDropped, takeHubState, takeRefused } from "./delivery";
import { takeDeleted } from "./deleted";
import { takeDeriving } from "./deriving";
import { takeFrames } from "./frames";
import { takeLap } from "./laps";
import { takePresence } from "./presence";
import type { Receiver } from "./receiver";
import { takeSession } from "./session";

type Handlers<Message extends { readonly type: string }> = {
  readonly [Type in Message["type"]]: (
    message: Extract<Message, { readonly type: Type }>,
    receiver: Receiver,
  ) => void;
};

export const HANDLERS: Handlers<Received> = {
  "wall.frames": takeFrames,
  "wall.cars": takeCars,
  "wall.entries": takeEntries,
  "wall.presence": takePresence,
  "timing.session": takeSession,
  "timing.lap": takeLap,
  "timing.deriving": takeDeriving,
  "timing.track": takeTrack,
  "timing.passes": takePasses,
  "coach.moment": takeMoment,
  "coach.silence": takeSilence,
  "coach.debrief": takeDebrief,
  "hub.state": takeHubState,
  "wall.deleted": takeDeleted,
  "wall.dropped": takeDropped,
  "wall.refused": takeRefused,
};

/** Hand a message to its handler; one of another session or of an unknown type is dropped. */
export function handle(message: Received, receiver: Receiver): void {
  if ("session" in message && message.session !== receiver.race.session.peek()) return;
  const handler = HANDLERS[message.type] as Handler | undefined;
  handler?.(message, receiver);
}

type Handler = (message: Received, receiver: Receiver) => void;
