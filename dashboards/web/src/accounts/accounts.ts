/** Accounts, drivers' PCs and the audit log, as the accounts page shows them. */

import { signal } from "@preact/signals";
import { json, type Access } from "../link/access";
import { everyRow, pageOf } from "../link/pages";
import { problem } from "../link/problem";
import type { AccountAbout, AuditEntry, DriverAbout, Invited } from "../wire";

const AUDIT_ENTRIES = 50;

export class Accounts {
  readonly accounts = signal<readonly AccountAbout[]>([]);
  readonly drivers = signal<readonly DriverAbout[]>([]);
  readonly audit = signal<readonly AuditEntry[]>([]);
  /** The path of older entries of the audit log, null when all are shown. */
  readonly olderAudit = signal<string | null>(null);
  /** The invitation made last; its secret is shown only once. */
  readonly invited = signal<Invited | null>(null);
  /** The reason for the last refused change of an account, "" without one. */
  readonly refusal = signal("");
  /** The reason for the last refused revocation, "" without one. */
  readonly revocationRefusal = signal("");

  constructor(private readonly access: Access) {}

  async load(): Promise<void> {
    await Promise.all([this.loadAccounts(), this.loadAudit(), this.loadDrivers()]);
  }

  async loadDrivers(): Promise<void> {
    const drivers = await everyRow<DriverAbout>(this.request, "drivers?limit=500");
    this.drivers.value = drivers ?? this.drivers.peek();
  }

  /** Show older entries of the audit log behind those shown. */
  async loadOlderAudit(): Promise<void> {
    const path = this.olderAudit.peek();
    if (path) await this.loadAudit(path, this.audit.peek());
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

  private async loadAccounts(): Promise<void> {
    const accounts = await everyRow<AccountAbout>(this.request, "accounts?limit=500");
    this.accounts.value = accounts ?? this.accounts.peek();
  }

  private async loadAudit(
    path = `audit?limit=${AUDIT_ENTRIES}`,
    newer: readonly AuditEntry[] = [],
  ): Promise<void> {
    const page = await pageOf<AuditEntry>(this.request, path);
    if (!page) return;
    this.audit.value = [...newer, ...page.rows];
    this.olderAudit.value = page.next;
  }

  private readonly request = (path: string, init?: RequestInit) => this.access.request(path, init);
}
