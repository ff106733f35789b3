import { YouSheet } from "../accounts/you";
import { Answers } from "./answers";
import { ClockBar } from "./clock-bar";
import { Coach } from "./coach";
import { Help } from "./help";
import { LapTable } from "./lap-table";
import { Links } from "./links";
import { Pace } from "./pace";
import { RaceColumn } from "./race-column";
import { Strip } from "./strip";
import { TopBar } from "./top-bar";
import { Traces } from "./traces";
import { Tyres } from "./tyres";

export function Page() {
  return (
    <div class="page">
      <TopBar />
      <Strip />
      <RaceColumn />
      <main class="car" aria-label="Car and lap">
        <Answers />
        <Pace />
        <Traces />
        <Tyres />
      </main>
      <section class="right" aria-label="Coach, laps and links">
        <Coach />
        <LapTable />
        <Links />
      </section>
      <ClockBar />
      <Help />
      <YouSheet />
    </div>
  );
}
