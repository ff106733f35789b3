/** An enrolment code: shown until a PC uses it or it expires. */

import { useEffect, useState } from "preact/hooks";
import { duration } from "../core/figures";
import type { Access } from "../link/access";
import { useStore } from "../store/context";
import { Copied } from "../ui/copied";
import type { EnrolmentCode, EnrolmentState } from "../wire";
import { type CodeState, stateOf } from "./code-state";
import { Qr } from "./qr";

const POLL_MS = 1_000;
const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/;

export function command(code: string): string {
  return `pitbox drive --enrol ${code}@${location.host}`;
}

export function Code({ made, used }: { made: EnrolmentCode; used: () => void }) {
  const state = useCodeState(made, useStore().access);
  useEffect(() => {
    if (state.kind === "used") used();
  }, [state.kind]);
  const { driver } = made;
  switch (state.kind) {
    case "used":
      return <Ended words={`Used by ${state.pc || "a PC"}: ${driver} may drive there.`} />;
    case "expired":
      return <Ended words="This code has expired. Make a new one." />;
    case "replaced":
      return <Ended words="A newer code replaced this one." />;
    case "open":
      return <Open made={made} leftMs={state.leftMs} typed={state.typed} />;
  }
}

function Ended({ words }: { words: string }) {
  return (
    <p class="code-ended" role="status">
      {words}
    </p>
  );
}

function Open({ made, leftMs, typed }: { made: EnrolmentCode; leftMs: number; typed: boolean }) {
  const link = new URL(`#enrol=${made.link_code}`, location.href.split(/[?#]/)[0]).href;
  return (
    <section class="code" aria-label={`Code for ${made.driver}`}>
      <Qr text={link} label="QR code of the link below" />
      <div>
        <p class="label">Code for the PC of {made.driver}, valid once</p>
        <p class="code-typed">{typed ? made.code : "–"}</p>
        <p class="ink-2" role="timer">
          {typed ? "" : "Closed after too many wrong codes; the link still works. "}
          Valid for <span class="code-left">{duration(leftMs)}</span>
        </p>
      </div>
      <div class="code-ways">
        <span class="label">Command to run there</span>
        <Copied label="command" text={command(typed ? made.code : made.link_code)} />
        <span class="label">Or scan the QR code, which opens this link</span>
        <Copied label="link" text={link} />
        {LOOPBACK.test(location.hostname) && (
          <p class="small ink-3">
            This pit wall listens on loopback, so only its own PC reaches it.
          </p>
        )}
      </div>
    </section>
  );
}

/** Poll the state of a code until it is final; between answers the page counts its time down. */
function useCodeState(made: EnrolmentCode, access: Access): CodeState {
  const [state, setState] = useState(() => stateOf(made, null, made.expires_s * 1000));
  useEffect(() => {
    const endsAt = performance.now() + made.expires_s * 1000;
    setState(stateOf(made, null, made.expires_s * 1000));
    const timer = setInterval(async () => {
      const response = await access.request(`enrolments/${made.driver}`);
      const known = response?.ok ? ((await response.json()) as EnrolmentState) : null;
      const next = stateOf(made, known, endsAt - performance.now());
      setState(next);
      if (next.kind !== "open") clearInterval(timer);
    }, POLL_MS);
    return () => clearInterval(timer);
  }, [made]);
  return state;
}
