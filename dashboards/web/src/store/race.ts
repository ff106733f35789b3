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

  /** The highest deleted run of each driver. */
  private readonly deleted = new Map<string, number>();

  /** Follow another session: everything of the one before is dropped. */
  follow(session: string): void {
    this.drivers.value = [];
    this.outline.value = null;
    this.deleted.clear();
    this.session.value = session;
  }

  /** Remove a driver whose runs up to `through` were deleted; without drivers no session is known. */
  remove(name: string, through: number): void {
    this.deleted.set(name, through);
    this.drivers.value = this.drivers.peek().filter((driver) => driver.name !== name);
    if (!this.drivers.peek().length) this.follow("");
  }

  isDeleted(name: string, run: number): boolean {
    return run <= (this.deleted.get(name) ?? -1);
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
