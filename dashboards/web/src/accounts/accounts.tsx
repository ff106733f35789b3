/** The owner's page: accounts, invitations and what was done at the doors. */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { change, json, problem, request } from "../link/access";
import type { AccountAbout, AuditEntry, Invited } from "../wire";
import { Copied } from "../ui/copied";
import { Field } from "../ui/field";
import { Drivers, loadDrivers } from "./drivers";

export const officeOpen = signal(false);

const ROLES = ["owner", "engineer", "driver", "guest"] as const;
const accounts = signal<readonly AccountAbout[]>([]);
const entries = signal<readonly AuditEntry[]>([]);
const refusal = signal("");
const link = signal<Invited | null>(null);

export function Office() {
  return officeOpen.value ? <Opened /> : null;
}

function Opened() {
  useEffect(() => {
    link.value = null;
    void load();
  }, []);
  return (
    <main class="office" aria-label="Accounts">
      <header>
        <h1>Accounts</h1>
        <button class="act" onClick={() => (officeOpen.value = false)}>
          Back to the wall
        </button>
      </header>
      <p class="refusal" role="alert">
        {refusal.value}
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
            <th scope="col">Driver</th>
            <th scope="col">State</th>
            <th scope="col" />
          </tr>
        </thead>
        <tbody>
          {accounts.value.map((account) => (
            <Row key={account.name} account={account} />
          ))}
        </tbody>
      </table>
      <Invite />
      <Link />
      <Drivers />
      <h2>What was done</h2>
      <ol class="audit small">
        {entries.value.map((entry) => (
          <li key={entry.id}>
            <span class="ink-3">{entry.at.slice(0, 19).replace("T", " ")}</span>
            <b>{entry.actor ?? "–"}</b>
            <span>
              {entry.action} {entry.about}
            </span>
            <span class="ink-3">{entry.address}</span>
          </li>
        ))}
      </ol>
    </main>
  );
}

function Row({ account }: { account: AccountAbout }) {
  const path = `accounts/${account.name}`;
  const state = account.disabled ? "disabled" : account.invited ? "no password yet" : "";
  return (
    <tr>
      <th scope="row">{account.name}</th>
      <td>
        <select
          aria-label={`Role of ${account.name}`}
          value={account.role}
          onChange={(event) => void act("PUT", path, { role: event.currentTarget.value })}
        >
          {ROLES.map((role) => (
            <option>{role}</option>
          ))}
        </select>
      </td>
      <td>{account.driver}</td>
      <td class="ink-2">{state || `${account.logins} logged in`}</td>
      <td>
        <div class="deeds">
          <button
            class="act"
            disabled={account.disabled}
            onClick={() => void invite(`${path}/invitation`)}
          >
            New password
          </button>
          <button class="act" onClick={() => void act("POST", `${path}/logout`)}>
            Log out
          </button>
          <button
            class="act"
            onClick={() => void act("PUT", path, { disabled: !account.disabled })}
          >
            {account.disabled ? "Enable" : "Disable"}
          </button>
        </div>
      </td>
    </tr>
  );
}

function Invite() {
  const [name, setName] = useState("");
  const [driver, setDriver] = useState("");
  const [role, setRole] = useState<string>("engineer");
  function submit(event: Event) {
    event.preventDefault();
    void invite("accounts", { name, role, driver: role === "driver" ? driver : null });
  }
  return (
    <form class="invite" onSubmit={submit}>
      <h2>Invite somebody</h2>
      <Field label="Name" value={name} change={setName} complete="off" />
      <label class="field">
        <span class="label">Role</span>
        <select value={role} onChange={(event) => setRole(event.currentTarget.value)}>
          {ROLES.map((one) => (
            <option>{one}</option>
          ))}
        </select>
      </label>
      {role === "driver" && (
        <Field label="Driver's name on the wall" value={driver} change={setDriver} complete="off" />
      )}
      <button class="act">Invite</button>
    </form>
  );
}

function Link() {
  const made = link.value;
  if (!made) return null;
  const { href } = new URL(`#invitation=${made.secret}`, location.href.split(/[?#]/)[0]);
  return (
    <section class="invite" aria-live="polite">
      <p>
        Send this link to {made.name} and nobody else. It opens once, within three days, to choose a
        password:
      </p>
      <Copied label="link" text={href} />
    </section>
  );
}

async function invite(path: string, body?: object): Promise<void> {
  const response = await request(path, body ? json("POST", body) : { method: "POST" });
  refusal.value = response?.ok ? "" : await problem(response);
  if (response?.ok) link.value = (await response.json()) as Invited;
  await load();
}

async function act(method: string, path: string, body?: object): Promise<void> {
  refusal.value = await change(method, path, body);
  await load();
}

async function load(): Promise<void> {
  const [known, done] = await Promise.all([
    request("accounts"),
    request("audit?limit=50"),
    loadDrivers(),
  ]);
  if (known?.ok) accounts.value = (await known.json()) as AccountAbout[];
  if (done?.ok) entries.value = (await done.json()) as AuditEntry[];
}
