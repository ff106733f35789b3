/** The pit wall's page: everything begins here. */

import { effect, untracked } from "@preact/signals";
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style/tokens.css";
import "./style/layout.css";
import "./style/top.css";
import "./style/race.css";
import "./style/car.css";
import "./style/laps.css";
import "./style/ui.css";
import "./style/login.css";
import "./style/enrol.css";
import "./style/accounts.css";
import { approach, Door } from "./login/login";
import { Office } from "./accounts/accounts";
import { EndedSheet } from "./login/access-ended";
import { ended, me } from "./link/access";
import { choose, socket } from "./store/feed";
import { run } from "./store/frames";
import { follow, listSessions } from "./store/past";
import * as wall from "./store/wall";
import { listenForKeys } from "./wall/keyboard";
import { Page } from "./wall/page";

/** While no session is known, and afterwards. */
const SESSIONS_EVERY_S = 2;
const SETTLED_EVERY_S = 20;
let seconds = 0;

const asked = new URLSearchParams(location.search);
function startWall(): void {
  wall.chosenName.value = asked.get("car") ?? "";
  choose(asked.get("session") ?? "");

  // The newest session is shown to who did not ask for one.
  effect(() => {
    const newest = wall.sessions.value?.[0]?.session;
    if (newest && !wall.chosenSession.peek()) choose(newest);
  });

  socket.start();
  follow();
  run();
  void listSessions();
  setInterval(() => {
    if (ended.peek()) return;
    const due = !wall.chosenSession.peek() || (seconds += SESSIONS_EVERY_S) % SETTLED_EVERY_S === 0;
    if (due) void listSessions();
  }, SESSIONS_EVERY_S * 1000);
  listenForKeys();
}

function Root() {
  return (
    <>
      <Door />
      {me.value && <Page />}
      <Office />
      <EndedSheet />
    </>
  );
}

let started = false;
effect(() => {
  if (!me.value || started) return;
  started = true;
  untracked(startWall);
});

const root = document.getElementById("wall");
if (root) render(<Root />, root);
void approach();
