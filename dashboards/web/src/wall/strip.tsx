import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { retryWords } from "../core/link-state";
import { socket } from "../store/feed";
import * as wall from "../store/wall";

/** What concerns the whole page: its server is lost, or it was too slow. */
export function Strip() {
  const now = useSignal(performance.now());
  const told = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => (now.value = performance.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const state = socket.state.value;
  const slow = wall.dropped.value > told.value;
  if (state.kind === "lost") {
    return (
      <p class="strip banner alarm" role="alert">
        <Broken />
        {retryWords(state.retryAt - now.value)} What you see is from the moment it was lost.
      </p>
    );
  }
  if (slow) {
    return (
      <p class="strip banner plain" role="status">
        This page was too slow for {wall.dropped.value} messages; what it missed is fetched again.
        <button class="strong" onClick={() => (told.value = wall.dropped.value)}>
          Close
        </button>
      </p>
    );
  }
  return <div class="strip" />;
}

export function Broken() {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" aria-hidden="true">
      <path d="M6.5 9.5l-2 2a2.1 2.1 0 0 1-3-3l2-2M9.5 6.5l2-2a2.1 2.1 0 0 1 3 3l-2 2M5 2v1.5M2 5h1.5M11 14v-1.5M14 11h-1.5" />
    </svg>
  );
}
