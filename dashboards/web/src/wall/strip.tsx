import { useSignal, type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { hubWords } from "../core/link/hub-state";
import { retryWords } from "../core/link/link-state";
import { removalWords } from "../core/retention";
import { placeOf, wholeSession } from "../core/session";
import { sentence } from "../link/problem";
import { useStore } from "../store/context";
import { BrokenLinkIcon } from "../ui/icons";
import type { Removal } from "../wire";

/** A notice about the page: its server is lost, it was too slow, the hub stores nothing, the session is
 * removed soon, or a newer one runs. */
export function Strip() {
  const store = useStore();
  const { dropped, hub, refusal } = store.feed;
  const now = useSignal(performance.now());
  const dismissed = useSignal(0);
  const read = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => (now.value = performance.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const state = store.socket.state.value;
  if (state.kind === "lost") {
    return (
      <div class="strip banner alarm">
        <span class="unseen" role="alert">
          This page lost the server
        </span>
        <BrokenLinkIcon />
        {retryWords(state.retryAt - now.value)}
        {store.race.drivers.value.length > 0 && " All values are from the moment of the loss."}
      </div>
    );
  }
  if (refusal.value) {
    return (
      <Plain does="Close" then={() => (refusal.value = "")}>
        The server refused this page's request. {sentence(refusal.value)}
      </Plain>
    );
  }
  if (dropped.value > dismissed.value) {
    return (
      <Plain does="Close" then={() => (dismissed.value = dropped.value)}>
        This page was too slow for {dropped.value} messages. It fetches them again.
      </Plain>
    );
  }
  const word = hub.value;
  const notice = word ? hubWords(word.state, now.value - word.at) : "";
  if (notice) {
    return (
      <p class="strip banner alarm" role="alert">
        {notice}
      </p>
    );
  }
  const removal = store.sessions.removal.value;
  if (removal && removal.at_ms !== read.value) return <Announced removal={removal} read={read} />;
  const newer = store.sessions.newer.value;
  if (newer) {
    const about = newer.drivers[0]?.session;
    return (
      <Plain does="Show it" then={() => store.follow(newer.session)}>
        There is a newer session: {(about && placeOf(wholeSession(about))) || newer.session}.
      </Plain>
    );
  }
  return <div class="strip" />;
}

/** Announce what retention removes; an owner can keep the session. */
function Announced({ removal, read }: { removal: Removal; read: Signal<number> }) {
  const { access, feed, race, sessions } = useStore();
  const close = () => (read.value = removal.at_ms);
  const keep = async () => {
    feed.refusal.value = await access.change("PUT", `sessions/${race.session.peek()}/pin`);
    await sessions.fetch();
  };
  return access.me.value?.role === "owner" ? (
    <Plain does="Keep it" then={() => void keep()}>
      {removalWords(removal)}
    </Plain>
  ) : (
    <Plain does="Close" then={close}>
      {removalWords(removal)}
    </Plain>
  );
}

interface PlainProps {
  readonly children: ComponentChildren;
  readonly does: string;
  readonly then: () => void;
}

function Plain({ children, does, then }: PlainProps) {
  return (
    <p class="strip banner plain" role="status">
      <span>{children}</span>
      <button class="strong" onClick={then}>
        {does}
      </button>
    </p>
  );
}
