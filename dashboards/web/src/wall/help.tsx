import { useStore } from "../store/context";
import { KEYS } from "./keyboard";

export function Help() {
  const { sheets } = useStore();
  if (!sheets.help.value) return null;
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
        Drag over the traces to zoom. The same data is available through{" "}
        <a href="openapi/">an API</a>.
      </p>
    </aside>
  );
}
