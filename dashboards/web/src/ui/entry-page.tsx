import type { ComponentChildren } from "preact";

/** The page of somebody who is not logged in. */
export function EntryPage({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <main class="entry">
      <div>
        <p class="ink-3">PitBox</p>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
