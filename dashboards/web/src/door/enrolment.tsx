import { useState } from "preact/hooks";
import { json, problem, request } from "../link/access";
import type { EnrolmentCode } from "../wire";
import { Field } from "./door";

/** The code that makes a PC a driver's own; without a driver it asks for one. */
export function Enrolment({ driver }: { driver: string }) {
  const [name, setName] = useState(driver);
  const [made, setMade] = useState<EnrolmentCode | null>(null);
  const [refusal, setRefusal] = useState("");
  async function submit(event: Event) {
    event.preventDefault();
    const response = await request("enrolments", json("POST", { driver: name }));
    setRefusal(response?.ok ? "" : await problem(response));
    setMade(response?.ok ? ((await response.json()) as EnrolmentCode) : null);
  }
  return (
    <form onSubmit={submit}>
      {!driver && (
        <Field label="Driver's name on the wall" value={name} change={setName} complete="off" />
      )}
      <button class="act">Make a code for {driver ? "a PC" : "the PC"}</button>
      <p class="refusal" role="alert">
        {refusal}
      </p>
      {made && (
        <p>
          On the PC of {made.driver}, once, within ten minutes:
          <output>
            pitbox drive --enrol {made.code}@{location.host}
          </output>
        </p>
      )}
    </form>
  );
}
