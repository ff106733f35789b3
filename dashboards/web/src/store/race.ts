/** The session that the page follows: its drivers and its track. */

import { signal } from "@preact/signals";
import type { Outline } from "../core/lap/outline";
import { Driver } from "./driver";

export class Race {
  /** "" while no session is known. */
  readonly session = signal("");
  readonly drivers = signal<readonly Driver[]>([]);
  /** The track, taken from the first whole lap of the session. */
  readonly outline = signal<Outline | null>(null);

  /** Follow another session: everything of the one before is dropped. */
  follow(session: string): void {
    this.drivers.value = [];
    this.outline.value = null;
    this.session.value = session;
  }

  /** Return a driver of the session, a new one for a name that is not known yet. */
  driverOf(name: string): Driver {
    const known = this.drivers.peek().find((driver) => driver.name === name);
    if (known) return known;
    const driver = new Driver(name);
    const all = [...this.drivers.peek(), driver];
    this.drivers.value = all.sort((a, b) => a.name.localeCompare(b.name));
    return driver;
  }
}
