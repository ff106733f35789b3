import { useStore } from "../store/context";

/** The notice that access has ended; nothing behind it moves any more. */
export function AccessEnded() {
  if (!useStore().access.ended.value) return null;
  return (
    <div class="ended">
      <div role="alertdialog" aria-label="Access ended">
        <h2>Your access to this race has ended.</h2>
        <p class="ink-2">Somebody ended it, or your login has expired.</p>
        <button class="act" onClick={() => location.reload()}>
          Log in again
        </button>
      </div>
    </div>
  );
}
