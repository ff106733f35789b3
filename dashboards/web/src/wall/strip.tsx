import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { retryWords } from "../core/link/link-state";
import { choose, socket } from "../store/feed";
import * as wall from "../store/wall";
import { BrokenLinkIcon } from "../ui/icons";
import { placeOf } from "./session-menu";

/** What concerns the whole page: its server is lost, it was too slow, or a newer session runs. */
export function Strip() {
  const now = useSignal(performance.now());
  const told = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => (now.value = performance.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const state = socket.state.value;
  if (state.kind === "lost") {
    return (
      <div class="strip banner alarm">
        <span class="unseen" role="alert">
          This page lost the server
        </span>
        <BrokenLinkIcon />
        {retryWords(state.retryAt - now.value)}
        {wall.drivers.value.length > 0 && " What you see is from the moment it was lost."}
      </div>
    );
  }
  if (wall.refusal.value) {
    return (
      <Plain does="Close" then={() => (wall.refusal.value = "")}>
        The server did not take what this page asked for: {wall.refusal.value}.
      </Plain>
    );
  }
  if (wall.dropped.value > told.value) {
    return (
      <Plain does="Close" then={() => (told.value = wall.dropped.value)}>
        This page was too slow for {wall.dropped.value} messages; what it missed is fetched again.
      </Plain>
    );
  }
  const newer = wall.newerSession.value;
  if (newer) {
    const about = newer.drivers[0]?.session;
    return (
      <Plain does="Show it" then={() => choose(newer.session)}>
        There is a newer session: {(about && placeOf(wall.wholeSession(about))) || newer.session}.
      </Plain>
    );
  }
  return <div class="strip" />;
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
