import { wholeDebrief, wholeMoment, wholeSilence, withFact } from "../../core/coach";
import type { SentDebrief, SentMoment, SentSilence } from "../../wire";
import type { Receiver } from "./receiver";

export function takeMoment(sent: SentMoment, receiver: Receiver): void {
  const { moments } = receiver.race.driverOf(sent.driver);
  moments.value = withFact(moments.peek(), wholeMoment(sent));
}

export function takeSilence(sent: SentSilence, receiver: Receiver): void {
  const { silences } = receiver.race.driverOf(sent.driver);
  silences.value = withFact(silences.peek(), wholeSilence(sent));
}

export function takeDebrief(sent: SentDebrief, receiver: Receiver): void {
  const { debriefs } = receiver.race.driverOf(sent.driver);
  debriefs.value = withFact(debriefs.peek(), wholeDebrief(sent));
}
