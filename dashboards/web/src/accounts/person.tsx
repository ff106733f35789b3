/** Who is logged in, and what they may do about it. */

import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { change, logOut, me } from "../link/access";
import { Consents } from "./consents";
import { Field } from "../ui/field";
import { Enrolment } from "../enrol/enrolment";
import { officeOpen } from "./accounts";

export const personOpen = signal(false);

export function PersonSheet() {
  const person = me.value;
  if (!personOpen.value || !person) return null;
  return (
    <aside class="sheet person" aria-label="You">
      <b>{person.name}</b> <span class="ink-3">{person.role}</span>
      <div class="deeds">
        {person.role === "owner" && (
          <button
            class="act"
            onClick={() => {
              officeOpen.value = true;
              personOpen.value = false;
            }}
          >
            Accounts
          </button>
        )}
        <button class="act" onClick={() => void logOut(false)}>
          Log out
        </button>
        <button class="act" onClick={() => void logOut(true)}>
          Log out everywhere
        </button>
      </div>
      {person.driver && person.role === "driver" && (
        <>
          <Consents driver={person.driver} />
          <Enrolment driver={person.driver} />
        </>
      )}
      <PasswordForm first={!person.has_password} />
    </aside>
  );
}

function PasswordForm({ first }: { first: boolean }) {
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const [answer, setAnswer] = useState("");
  async function submit(event: Event) {
    event.preventDefault();
    const reason = await change("PUT", "me/password", { current, new: fresh });
    setAnswer(reason || "Your password is set; other devices are logged out.");
    const person = me.peek();
    if (!reason && person) me.value = { ...person, has_password: true };
    if (!reason) [setCurrent, setFresh].forEach((set) => set(""));
  }
  return (
    <form onSubmit={submit}>
      <p class="ink-2">
        {first ? "Choose a password, to log in without a link." : "Change your password."}
      </p>
      {!first && (
        <Field
          label="Current password"
          value={current}
          change={setCurrent}
          complete="current-password"
          hidden
        />
      )}
      <Field label="New password" value={fresh} change={setFresh} complete="new-password" hidden />
      <p class="small ink-2" role="status">
        {answer}
      </p>
      <button class="act">Set password</button>
    </form>
  );
}
