import { helpOpen, KEYS } from "./keyboard";

export function Help() {
  if (!helpOpen.value) return null;
  return (
    <aside class="sheet" aria-label="Keys">
      <b>Keys</b>
      <dl>
        {KEYS.map(([key, does]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd class="ink-2">{does}</dd>
          </>
        ))}
      </dl>
      <p class="small ink-3">
        Drag over the traces to zoom. What the page knows is also <a href="openapi/">an API</a>.
      </p>
    </aside>
  );
}
