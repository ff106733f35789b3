/** The surfaces that open over the wall. */

import { signal } from "@preact/signals";

export class Sheets {
  readonly help = signal(false);
  readonly sessions = signal(false);
  readonly you = signal(false);
  readonly accounts = signal(false);
  /** Grows with every Esc: charts restore their zoom. */
  readonly escapes = signal(0);

  closeAll(): void {
    for (const sheet of [this.help, this.sessions, this.you, this.accounts]) sheet.value = false;
    this.escapes.value += 1;
  }
}
