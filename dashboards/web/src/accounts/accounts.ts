/** Accounts, drivers' PCs and the audit log, as the accounts page shows them. */

import { signal } from "@preact/signals";
import { json, type Access } from "../link/access";
import { problem } from "../link/problem";
import type { AccountAbout, AuditEntry, DriverAbout, Invited } from "../wire";

const AUDIT_ENTRIES = 50;

export class Accounts {
  readonly accounts = signal<readonly AccountAbout[]>([]);
  readonly drivers = signal<readonly DriverAbout[]>([]);
  readonly audit = signal<readonly AuditEntry[]>([]);
  /** The invitation made last; its secret is shown only once. */
  readonly invited = signal<Invited | null>(null);
  /** The reason for the last refused change of an account, "" without one. */
  readonly refusal = signal("");
  /** The reason for the last refused revocation, "" without one. */
  readonly revocationRefusal = signal("");

  constructor(private readonly access: Access) {}

  async load(): Promise<void> {
    await Promise.all([
      this.fetch("accounts", (accounts: AccountAbout[]) => (this.accounts.value = accounts)),
      this.fetch(`audit?limit=${AUDIT_ENTRIES}`, (log: AuditEntry[]) => (this.audit.value = log)),
      this.loadDrivers(),
    ]);
  }

  loadDrivers(): Promise<void> {
    return this.fetch("drivers", (drivers: DriverAbout[]) => (this.drivers.value = drivers));
  }

  async change(method: string, path: string, body?: object): Promise<void> {
    this.refusal.value = await this.access.change(method, path, body);
    await this.load();
  }

  /** Invite a new account, or an existing one to choose a new password. */
  async invite(path: string, body?: object): Promise<void> {
    const response = await this.access.request(
      path,
      body ? json("POST", body) : { method: "POST" },
    );
    this.refusal.value = response?.ok ? "" : await problem(response);
    if (response?.ok) this.invited.value = (await response.json()) as Invited;
    await this.load();
  }

  /** Revoke a driver, or one PC of a driver. */
  async revoke(path: string): Promise<void> {
    this.revocationRefusal.value = await this.access.change("POST", `${path}/revoke`);
    await this.loadDrivers();
  }

  private async fetch<Answer>(path: string, take: (answer: Answer) => void): Promise<void> {
    const response = await this.access.request(path);
    if (response?.ok) take((await response.json()) as Answer);
  }
}
