/** What stands before the wall: the way in by password, by link and by invitation; and for PCs. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { enter, me, renew } from "../link/access";
import { Field } from "../ui/field";
import { ThisPc } from "../enrol/this-pc";

type Way = "looking" | "password" | "invitation" | "pc" | "away";

const way = signal<Way>("looking");
const refusal = signal("");
let secret = "";

/** Come in by what the address brings, else by the cookie of an earlier visit. */
export async function approach(): Promise<void> {
  const brought = new URLSearchParams(location.hash.slice(1));
  // A secret must not stay in the history.
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  const link = brought.get("link");
  const enrol = brought.get("enrol");
  secret = enrol ?? brought.get("invitation") ?? "";
  if (secret) way.value = enrol ? "pc" : "invitation";
  else if (link) await byLink(link);
  else await byCookie();
}

async function byLink(link: string): Promise<void> {
  const reason = await enter("login/link", { secret: link });
  if (!reason) return;
  await byCookie();
  refusal.value = reason;
}

async function byCookie(): Promise<void> {
  const answer = await renew();
  way.value = answer === "away" ? "away" : "password";
}

export function Door() {
  if (me.value) return null;
  switch (way.value) {
    case "looking":
      return null;
    case "password":
      return <ByPassword />;
    case "invitation":
      return <ByInvitation />;
    case "pc":
      return (
        <Frame title="Let a PC drive">
          <ThisPc code={secret} />
        </Frame>
      );
    case "away":
      return (
        <Frame title="The hub does not answer">
          <p class="ink-2">It may be starting. This page tries again when you do.</p>
          <button class="act" onClick={() => void byCookie()}>
            Try again
          </button>
        </Frame>
      );
  }
}

function ByPassword() {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  return (
    <Form
      title="Log in"
      act="Log in"
      foot={`Forgotten? Ask an owner for a link. An owner's own, on the hub: pitbox account password ${name.trim().toLowerCase() || "NAME"}`}
      send={() => enter("login", { name: name.trim().toLowerCase(), password })}
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

function ByInvitation() {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  return (
    <Form
      title="Choose your password"
      act="Choose and log in"
      send={async () =>
        password === again
          ? enter("invitations/accept", { secret, password })
          : "These two passwords differ."
      }
    >
      <p class="ink-2">Twelve characters or more; several words are good.</p>
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
  /** What to do when it does not go. */
  foot?: string;
  send: () => Promise<string>;
  children: ComponentChildren;
}

function Form({ title, act, foot, send, children }: FormProps) {
  const [busy, setBusy] = useState(false);
  async function submit(event: Event) {
    event.preventDefault();
    setBusy(true);
    refusal.value = await send();
    setBusy(false);
  }
  return (
    <Frame title={title}>
      <form onSubmit={submit}>
        {children}
        <p class="refusal" role="alert">
          {refusal.value}
        </p>
        <button class="act" disabled={busy}>
          {act}
        </button>
        {foot && <p class="small ink-3 foot">{foot}</p>}
      </form>
    </Frame>
  );
}

function Frame({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <main class="door">
      <div>
        <p class="ink-3">PitBox</p>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
