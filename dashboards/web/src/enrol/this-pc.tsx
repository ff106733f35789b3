/** What the QR of a code opens: the command for the PC that drives. */

import { command } from "./code";
import { Copied } from "../ui/copied";

const PHONE = /Android|iPhone|iPad/;
const SHELLS = [
  [PHONE, "In a terminal of the PC that runs the game"],
  [/Windows/, "On this PC, in PowerShell"],
  [/Mac/, "On this PC, in Terminal"],
] as const;

export function ThisPc({ code }: { code: string }) {
  const [, where] = SHELLS.find(([agent]) => agent.test(navigator.userAgent)) ?? [];
  const line = command(code);
  return (
    <>
      <p class="ink-2">{where ?? "On this PC, in a terminal"}, once, while the code is good:</p>
      <Copied label="command" text={line} />
      {PHONE.test(navigator.userAgent) && "share" in navigator && (
        <button class="act" onClick={() => void navigator.share({ text: line }).catch(() => {})}>
          Send it to the PC
        </button>
      )}
      <p class="small ink-3">
        It makes a key on that PC, keeps it there, and starts to drive. Later{" "}
        <b>pitbox drive</b> is enough.
      </p>
    </>
  );
}
