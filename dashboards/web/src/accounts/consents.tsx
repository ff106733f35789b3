import { useEffect, useState } from "preact/hooks";
import { useStore } from "../store/context";
import type { Consent } from "../wire";

const KINDS = ["telemetry", "camera", "microphone"] as const;
const ROLES = ["owner", "engineer", "driver", "guest"] as const;

/** A driver's consents: the roles that see each kind of data. */
export function Consents({ driver }: { driver: string }) {
  const { access } = useStore();
  const [known, setKnown] = useState<readonly Consent[]>([]);
  const [refusal, setRefusal] = useState("");
  async function load() {
    const response = await access.request("consents");
    if (response?.ok) setKnown((await response.json()) as Consent[]);
  }
  useEffect(() => void load(), []);
  async function decide(one: Consent) {
    const { kind, role } = one;
    setRefusal(await access.change("PUT", "consents", { kind, role, allowed: !one.allowed }));
    await load();
  }
  return (
    <>
      <table class="consents">
        <caption class="ink-2">Roles that see the data of {driver}</caption>
        <thead>
          <tr>
            <td />
            {ROLES.map((role) => (
              <th scope="col">{role}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {KINDS.map((kind) => (
            <tr>
              <th scope="row">{kind}</th>
              {ROLES.map((role) => {
                const one = known.find(
                  (consent) =>
                    consent.driver === driver && consent.kind === kind && consent.role === role,
                );
                return (
                  <td>
                    {one && (
                      <input
                        type="checkbox"
                        aria-label={`${role} sees ${kind}`}
                        checked={one.allowed}
                        onChange={() => void decide(one)}
                      />
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="refusal" role="alert">
        {refusal}
      </p>
      <p class="small ink-3">
        A role without your telemetry sees no laps of other cars either, because they may be yours.
        Camera and microphone are not sent yet; your choice applies as soon as they are.
      </p>
    </>
  );
}
