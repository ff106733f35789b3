/** The login: by a link, an invitation, the cookie of an earlier visit, or a password. */

import { signal } from "@preact/signals";
import type { Access } from "../link/access";

export type Way = "starting" | "password" | "invitation" | "enrolment" | "no answer";

export class Login {
  readonly way = signal<Way>("starting");
  /** The reason for the last refusal, "" without one. */
  readonly refusal = signal("");
  /** The secret of an invitation, or a code that enrols a PC. */
  secret = "";

  constructor(private readonly access: Access) {}

  /** Use the secret in the address's fragment, else the cookie. */
  async start(fragment: string): Promise<void> {
    const secrets = new URLSearchParams(fragment.replace(/^#/, ""));
    const [link, code] = [secrets.get("link"), secrets.get("enrol")];
    this.secret = code ?? secrets.get("invitation") ?? "";
    if (this.secret) this.way.value = code ? "enrolment" : "invitation";
    else if (link) await this.byLink(link);
    else await this.byCookie();
  }

  async byCookie(): Promise<void> {
    const renewal = await this.access.renew();
    this.way.value = renewal === "no answer" ? "no answer" : "password";
  }

  byPassword(name: string, password: string): Promise<void> {
    return this.logIn("login", { name: name.trim().toLowerCase(), password });
  }

  /** Choose the first password of an invited account, typed twice, and log in. */
  async byInvitation(password: string, again: string): Promise<void> {
    if (password !== again) this.refusal.value = "These two passwords differ.";
    else await this.logIn("invitations/accept", { secret: this.secret, password });
  }

  private async byLink(secret: string): Promise<void> {
    const reason = await this.access.logIn("login/link", { secret });
    if (!reason) return;
    await this.byCookie();
    this.refusal.value = reason;
  }

  private async logIn(path: string, body: object): Promise<void> {
    this.refusal.value = await this.access.logIn(path, body);
  }
}
