import { ended } from "../link/access";

/** The end of one's access: nothing behind it moves any more. */
export function EndedSheet() {
  if (!ended.value) return null;
  return (
    <div class="ended">
      <div role="alertdialog" aria-label="Access ended">
        <h2>Your access to this race has ended.</h2>
        <p class="ink-2">Somebody ended it, or you were away for long.</p>
        <button class="act" onClick={() => location.reload()}>
          Log in again
        </button>
      </div>
    </div>
  );
}
