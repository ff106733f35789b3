/** The account that is logged in, with its own settings. */

import { useState } from "preact/hooks";
import { Enrolment } from "../enrol/enrolment";
import { useStore } from "../store/context";
import { Field } from "../ui/field";
import { Consents } from "./consents";

export function YouSheet() {
  const { access, sheets } = useStore();
  const person = access.me.value;
  if (!sheets.you.value || !person) return null;
  async function logOut(everywhere: boolean) {
    await access.logOut(everywhere);
    location.reload();
  }
  return (
    <aside class="sheet you" aria-label="You">
      <b>{person.name}</b> <span class="ink-3">{person.role}</span>
      <div class="actions">
        {person.role === "owner" && (
          <button
            class="act"
            onClick={() => {
              sheets.accounts.value = true;
              sheets.you.value = false;
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
  const { access } = useStore();
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const [answer, setAnswer] = useState("");
  async function submit(event: Event) {
    event.preventDefault();
    const reason = await access.change("PUT", "me/password", { current, new: fresh });
    setAnswer(reason || "Your password is set. Other devices are logged out.");
    const person = access.me.peek();
    if (!reason && person) access.me.value = { ...person, has_password: true };
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
