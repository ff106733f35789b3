/** The page that the QR of a code opens: the command that enrols a PC. */

import { Copied } from "../ui/copied";
import { EntryPage } from "../ui/entry-page";
import { command } from "./code";

const PHONE = /Android|iPhone|iPad/;
const SHELLS = [
  [PHONE, "In a terminal of the PC that runs the game"],
  [/Windows/, "On this PC, in PowerShell"],
  [/Mac/, "On this PC, in Terminal"],
] as const;

export function EnrolPage({ code }: { code: string }) {
  const [, where] = SHELLS.find(([agent]) => agent.test(navigator.userAgent)) ?? [];
  const line = command(code);
  return (
    <EntryPage title="Enrol a PC">
      <p class="ink-2">{where ?? "On this PC, in a terminal"}, while the code is valid:</p>
      <Copied label="command" text={line} />
      {PHONE.test(navigator.userAgent) && "share" in navigator && (
        <button class="act" onClick={() => void navigator.share({ text: line }).catch(() => {})}>
          Send it to the PC
        </button>
      )}
      <p class="small ink-3">
        The command creates a key, which stays on that PC, and starts driving. After that,{" "}
        <b>pitbox drive</b> is enough.
      </p>
    </EntryPage>
  );
}
