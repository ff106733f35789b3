import { sentence } from "../link/problem";
import { useStore } from "../store/context";

/** The end of the session menu: delete the followed session, after a question. */
export function SessionDeletion() {
  const { deletion, race } = useStore();
  const drivers = deletion.drivers.value;
  if (!drivers.length) return null;
  const what = `${race.session.value} of ${drivers.join(", ")}`;
  return (
    <div class="deletion">
      {deletion.refusal.value && (
        <p class="small refusal" role="alert">
          {sentence(deletion.refusal.value)}
        </p>
      )}
      {deletion.asks.value ? (
        <>
          <p class="small ink-2">Delete {what} for good, also on the drivers' PCs?</p>
          <button onClick={() => void deletion.confirm()}>Delete for good</button>
          <button onClick={() => (deletion.asks.value = false)}>Keep it</button>
        </>
      ) : (
        <button class="ink-3" onClick={() => deletion.ask()}>
          Delete {what}…
        </button>
      )}
    </div>
  );
}
