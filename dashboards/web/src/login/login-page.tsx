/** The pages of somebody who is not logged in. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { EntryPage } from "../ui/entry-page";
import { Field } from "../ui/field";
import type { Login } from "./login";

export function LoginPage({ login }: { login: Login }) {
  switch (login.way.value) {
    case "password":
      return <ByPassword login={login} />;
    case "invitation":
      return <ByInvitation login={login} />;
    case "no answer":
      return (
        <EntryPage title="The hub does not answer">
          <p class="ink-2">It may still be starting.</p>
          <button class="act" onClick={() => void login.byCookie()}>
            Try again
          </button>
        </EntryPage>
      );
    default:
      return null;
  }
}

function ByPassword({ login }: { login: Login }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const command = `pitbox account password ${name.trim().toLowerCase() || "NAME"}`;
  return (
    <Form
      title="Log in"
      act="Log in"
      foot={`Forgotten? Ask an owner for a link. Owners run on the hub: ${command}`}
      refusal={login.refusal.value}
      send={() => login.byPassword(name, password)}
    >
      <Field label="Name" value={name} change={setName} complete="username" />
      <Field
        label="Password"
        value={password}
        change={setPassword}
        complete="current-password"
        hidden
      />
    </Form>
  );
}

function ByInvitation({ login }: { login: Login }) {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  return (
    <Form
      title="Choose your password"
      act="Choose and log in"
      refusal={login.refusal.value}
      send={() => login.byInvitation(password, again)}
    >
      <p class="ink-2">At least twelve characters; several words are good.</p>
      <Field
        label="Password"
        value={password}
        change={setPassword}
        complete="new-password"
        hidden
      />
      <Field label="Again" value={again} change={setAgain} complete="new-password" hidden />
    </Form>
  );
}

interface FormProps {
  title: string;
  act: string;
  /** Help for somebody who cannot log in. */
  foot?: string;
  refusal: string;
  send: () => Promise<void>;
  children: ComponentChildren;
}

function Form({ title, act, foot, refusal, send, children }: FormProps) {
  const [busy, setBusy] = useState(false);
  async function submit(event: Event) {
    event.preventDefault();
    setBusy(true);
    await send();
    setBusy(false);
  }
  return (
    <EntryPage title={title}>
      <form onSubmit={submit}>
        {children}
        <p class="refusal" role="alert">
          {refusal}
        </p>
        <button class="act" disabled={busy}>
          {act}
        </button>
        {foot && <p class="small ink-3 foot">{foot}</p>}
      </form>
    </EntryPage>
  );
}
