/** A code on its way to a PC: shown until it is used or too old. */

import { useEffect, useState } from "preact/hooks";
import { duration } from "../core/figures";
import { request } from "../link/access";
import type { EnrolmentCode, EnrolmentState } from "../wire";
import { type CodeState, stateOf } from "./code-state";
import { Copied } from "../ui/copied";
import { Qr } from "./qr";

const LOOK_MS = 1_000;
const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/;

export function command(code: string): string {
  return `pitbox drive --enrol ${code}@${location.host}`;
}

export function Code({ made, used }: { made: EnrolmentCode; used: () => void }) {
  const state = useCodeState(made);
  useEffect(() => {
    if (state.kind === "used") used();
  }, [state.kind]);
  const { driver } = made;
  switch (state.kind) {
    case "used":
      return <Ended words={`Used by ${state.pc || "a PC"}: ${driver} may drive there.`} />;
    case "expired":
      return <Ended words="This code is too old. Make another one." />;
    case "replaced":
      return <Ended words="A newer code has taken the place of this one." />;
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
      <Qr text={link} label="QR of the link below" />
      <div>
        <p class="label">On the PC of {made.driver}, once</p>
        <p class="code-typed">{typed ? made.code : "–"}</p>
        <p class="ink-2" role="timer">
          {typed ? "" : "Wrong codes were tried: this one is closed, the link is not. "}
          Good for <span class="code-left">{duration(leftMs)}</span>
        </p>
      </div>
      <div class="code-ways">
        <span class="label">What to run there</span>
        <Copied label="command" text={command(typed ? made.code : made.link_code)} />
        <span class="label">Or scan the QR, which opens this link</span>
        <Copied label="link" text={link} />
        {LOOPBACK.test(location.hostname) && (
          <p class="small ink-3">The pit wall is on loopback: only PCs that it runs on reach it.</p>
        )}
      </div>
    </section>
  );
}

/** Ask what became of a code, until something did; the end is counted here between answers. */
function useCodeState(made: EnrolmentCode): CodeState {
  const [state, setState] = useState(() => stateOf(made, null, made.expires_s * 1000));
  useEffect(() => {
    const endsAt = performance.now() + made.expires_s * 1000;
    setState(stateOf(made, null, made.expires_s * 1000));
    const timer = setInterval(async () => {
      const response = await request(`enrolments/${made.driver}`);
      const known = response?.ok ? ((await response.json()) as EnrolmentState) : null;
      const next = stateOf(made, known, endsAt - performance.now());
      setState(next);
      if (next.kind !== "open") clearInterval(timer);
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [made]);
  return state;
}
