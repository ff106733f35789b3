/** The deletion of the followed session, as far as this person may delete it. */

import { computed, signal } from "@preact/signals";
import type { Access } from "../link/access";
import type { Race } from "./race";

export class Deletion {
  /** Whether the page asks for confirmation. */
  readonly asks = signal(false);
  /** The hub's reason for refusing, "" without one. */
  readonly refusal = signal("");
  /** The drivers whose part this person may delete: an owner anybody's, a driver the own one. */
  readonly drivers = computed<readonly string[]>(() => {
    const me = this.access.me.value;
    const all = this.race.drivers.value.map((driver) => driver.name);
    if (me?.role === "owner") return all;
    return me?.role === "driver" ? all.filter((name) => name === me.driver) : [];
  });

  constructor(
    private readonly access: Access,
    private readonly race: Race,
  ) {}

  ask(): void {
    this.refusal.value = "";
    this.asks.value = true;
  }

  /** Delete the parts one by one, until the hub refuses one; live pages learn of it by the feed. */
  async confirm(): Promise<void> {
    const session = this.race.session.peek();
    this.asks.value = false;
    for (const driver of this.drivers.peek()) {
      const path = `sessions/${session}/drivers/${driver}`;
      this.refusal.value = await this.access.change("DELETE", path);
      if (this.refusal.peek()) return;
    }
  }
}
