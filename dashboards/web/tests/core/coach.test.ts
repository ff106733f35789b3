import { expect, test } from "vitest";
import {
  causeWords,
  coachState,
  endedStint,
  evidenceOf,
  evidencePlaces,
  findingWords,
  incidentsOf,
  incidentWords,
  standing,
  turn,
  wholeFinding,
  withFact,
  worst,
} from "../../src/core/coach";
import { debrief, moment, passes, silence } from "../fakes/coach";
import { INCIDENT_DEFAULTS, type SentIncident } from "../../src/wire";

test("a fact replaces the one of its lap, and facts stay in the order of their laps", () => {
  const [first, second] = [moment(2), moment(4)];
  const later = moment(2, { revision: 2 });
  const facts = withFact(withFact([second], first), later);
  expect(facts).toEqual([later, second]);
});

test("moments that hold are listed with the latest first", () => {
  const withdrawn = moment(3, { withdrawn: true });
  expect(standing([moment(2), withdrawn, moment(4)]).map((one) => one.lap_number)).toEqual([4, 2]);
});

test("a pattern is said to have been there before", () => {
  expect(causeWords(moment(2))).toBe("Braked earlier than usual");
  expect(causeWords(moment(2, { pattern: true }))).toContain("twice in three laps");
});

test("a corner is called a turn in sentences", () => {
  expect(turn("T10")).toBe("Turn 10");
  expect(turn("Hairpin")).toBe("Hairpin");
});

test("evidence is written with its usual value, speeds in km/h and seconds with their sign", () => {
  const place = { name: "brakes_m", value: 1188.2, unit: "m", usual: 1200 };
  expect(evidenceOf(place)).toEqual({ label: "Brakes at", value: "1188 m", usual: "usually 1200 m" });
  const speed = { name: "minimum_mps", value: 25, unit: "m/s" };
  expect(evidenceOf(speed)).toEqual({ label: "Slowest", value: "90 km/h", usual: "" });
  const loss = { name: "exit_s", value: -0.054, unit: "s", usual: 0 };
  expect(evidenceOf(loss)).toEqual({ label: "Exit", value: "−0.05 s", usual: "" });
  expect(evidenceOf({ name: "gear_changes", value: 3, unit: "" }).label).toBe("gear changes");
});

test("the places of evidence are those in metres", () => {
  const evidence = [
    { name: "brakes_m", value: 1188, unit: "m", usual: 1200 },
    { name: "brakes_again_m", value: 1260, unit: "m" },
    { name: "exit_s", value: 0.1, unit: "s", usual: 0 },
  ];
  expect(evidencePlaces(moment(2, { evidence }))).toEqual({ driven: [1188, 1260], usual: [1200] });
});

test("the state says what the coach waits for, why it is quiet, or what the last lap cost", () => {
  expect(coachState([], [])).toBe("Waiting for the first lap");
  const learning = silence(1, { reason: "learning_driver", laps_needed: 1 });
  expect(coachState([], [learning])).toBe("Not ready: reference needs 1 more clean lap");
  const more = silence(1, { reason: "learning_track", laps_needed: 2 });
  expect(coachState([], [more])).toBe("Not ready: the track needs 2 more clean laps");
  const ready = silence(2, { reason: "learning_driver" });
  expect(coachState([], [learning, ready])).toBe("Ready: the next clean lap is compared");
  const quiet = silence(3);
  expect(coachState([moment(2)], [quiet])).toBe("Quiet: nothing worth saying");
  expect(coachState([moment(4)], [quiet])).toBe("Turn 4 cost 0.15 s on lap 4");
});

test("a lap that has a moment by now is not called quiet", () => {
  expect(coachState([moment(3)], [silence(3)])).toBe("Turn 4 cost 0.15 s on lap 3");
  const withdrawn = moment(3, { withdrawn: true });
  expect(coachState([withdrawn], [silence(3)])).toBe("Quiet: nothing worth saying");
});

test("the worst corner of a lap is the one that lost most, if that is worth a line", () => {
  const laps = [passes(3, { T1: 0.02, T4: 0.3 }), passes(4, { T1: 0.04 })];
  expect(worst(laps, 3)?.corner).toBe("T4");
  expect(worst(laps, 3)?.lost).toBeCloseTo(0.3);
  expect(worst(laps, 4)).toBeNull();
  expect(worst(laps, 5)).toBeNull();
});

test("a finding states what the usual lap loses, and the lap that shows how", () => {
  const [sent] = debrief(3).findings;
  expect(findingWords(wholeFinding(sent!))).toBe("0.25 s a lap over lap 5");
  expect(findingWords({ ...wholeFinding(sent!), uneven: true })).toContain("varies by more");
});

test("only a stint whose car came in has a debrief to show", () => {
  expect(endedStint([debrief(3, { ended: false })])).toBeNull();
  expect(endedStint([debrief(3), debrief(12), debrief(20, { ended: false })])?.lap_number).toBe(12);
});

test("incidents are listed with the latest first, in words with their numbers", () => {
  const at = { at_ns: 1, ended_ns: 2, before_mps: 50, after_mps: 5, corner: "T4" };
  const spin: SentIncident = { kind: "spin", ...at, turned_rad: Math.PI };
  const stop: SentIncident = { kind: "stop", ...at, corner: "", stood_s: 7 };
  const found = incidentsOf([
    { ...passes(2, {}), incidents: [spin] },
    { ...passes(3, {}), incidents: [stop] },
  ]);
  expect(found.map(({ lap, incident }) => `${lap}: ${incidentWords(incident)}`)).toEqual([
    "3: Stood on the track for 7 s",
    "2: Spun at Turn 4, 180° from its course, 180 to 18 km/h",
  ]);
  const hit = incidentWords({ ...INCIDENT_DEFAULTS, ...spin, kind: "contact" });
  expect(hit).toBe("Hit something at Turn 4, 180 to 18 km/h");
});
