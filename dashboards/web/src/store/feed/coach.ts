import { wholeMoment, wholeSilence, withFact } from "../../core/coach";
import type { SentMoment, SentSilence } from "../../wire";
import type { Receiver } from "./receiver";

export function takeMoment(sent: SentMoment, receiver: Receiver): void {
  const { moments } = receiver.race.driverOf(sent.driver);
  moments.value = withFact(moments.peek(), wholeMoment(sent));
}

export function takeSilence(sent: SentSilence, receiver: Receiver): void {
  const { silences } = receiver.race.driverOf(sent.driver);
  silences.value = withFact(silences.peek(), wholeSilence(sent));
}
