/** The owner's page: accounts, invitations, drivers' PCs and the audit log. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { useStore } from "../store/context";
import { Copied } from "../ui/copied";
import { Field } from "../ui/field";
import type { AccountAbout } from "../wire";
import { Accounts } from "./accounts";
import { Drivers } from "./drivers";

const ROLES = ["owner", "engineer", "driver", "guest"] as const;

export function AccountsPage() {
  return useStore().sheets.accounts.value ? <Opened /> : null;
}

function Opened() {
  const { access, sheets } = useStore();
  const accounts = useMemo(() => new Accounts(access), [access]);
  useEffect(() => void accounts.load(), [accounts]);
  return (
    <main class="accounts" aria-label="Accounts">
      <header>
        <h1>Accounts</h1>
        <button class="act" onClick={() => (sheets.accounts.value = false)}>
          Back to the wall
        </button>
      </header>
      <p class="refusal" role="alert">
        {accounts.refusal.value}
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
          {accounts.accounts.value.map((account) => (
            <Row key={account.name} account={account} accounts={accounts} />
          ))}
        </tbody>
      </table>
      <Invite accounts={accounts} />
      <InvitationLink accounts={accounts} />
      <Drivers accounts={accounts} />
      <h2>Audit log</h2>
      <ol class="audit small">
        {accounts.audit.value.map((entry) => (
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
      {accounts.olderAudit.value && (
        <button onClick={() => void accounts.loadOlderAudit()}>Show older entries</button>
      )}
    </main>
  );
}

function Row({ account, accounts }: { account: AccountAbout; accounts: Accounts }) {
  const path = `accounts/${account.name}`;
  const state = account.disabled ? "disabled" : account.invited ? "no password yet" : "";
  return (
    <tr>
      <th scope="row">{account.name}</th>
      <td>
        <select
          aria-label={`Role of ${account.name}`}
          value={account.role}
          onChange={(event) =>
            void accounts.change("PUT", path, { role: event.currentTarget.value })
          }
        >
          {ROLES.map((role) => (
            <option>{role}</option>
          ))}
        </select>
      </td>
      <td>{account.driver}</td>
      <td class="ink-2">{state || `${account.logins} logged in`}</td>
      <td>
        <div class="actions">
          <button
            class="act"
            disabled={account.disabled}
            onClick={() => void accounts.invite(`${path}/invitation`)}
          >
            New password
          </button>
          <button class="act" onClick={() => void accounts.change("POST", `${path}/logout`)}>
            Log out
          </button>
          <button
            class="act"
            onClick={() => void accounts.change("PUT", path, { disabled: !account.disabled })}
          >
            {account.disabled ? "Enable" : "Disable"}
          </button>
        </div>
      </td>
    </tr>
  );
}

function Invite({ accounts }: { accounts: Accounts }) {
  const [name, setName] = useState("");
  const [driver, setDriver] = useState("");
  const [role, setRole] = useState<string>("engineer");
  function submit(event: Event) {
    event.preventDefault();
    void accounts.invite("accounts", { name, role, driver: role === "driver" ? driver : null });
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

function InvitationLink({ accounts }: { accounts: Accounts }) {
  const made = accounts.invited.value;
  if (!made) return null;
  const { href } = new URL(`#invitation=${made.secret}`, location.href.split(/[?#]/)[0]);
  return (
    <section class="invite" aria-live="polite">
      <p>
        Send this link to {made.name} and nobody else. It is valid once, for three days, to choose a
        password:
      </p>
      <Copied label="link" text={href} />
    </section>
  );
}
