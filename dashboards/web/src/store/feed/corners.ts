import { wholePasses, wholeTrack, withFact } from "../../core/coach";
import { trackOutline } from "../../core/lap/outline";
import type { SentPasses, SentTrack } from "../../wire";
import type { Receiver } from "./receiver";

/** Take the track of a driver's session; it shows the map before a whole lap is driven here. */
export function takeTrack(sent: SentTrack, receiver: Receiver): void {
  const track = wholeTrack(sent);
  receiver.race.driverOf(sent.driver).track.value = track;
  receiver.race.outline.value ??= trackOutline(track);
}

export function takePasses(sent: SentPasses, receiver: Receiver): void {
  const { passes } = receiver.race.driverOf(sent.driver);
  passes.value = withFact(passes.peek(), wholePasses(sent));
}
