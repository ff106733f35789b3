/** The pit wall's page: makes the store and the login, and renders them. */

import { effect, untracked } from "@preact/signals";
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style/tokens.css";
import "./style/layout.css";
import "./style/top.css";
import "./style/race.css";
import "./style/car.css";
import "./style/coach.css";
import "./style/laps.css";
import "./style/ui.css";
import "./style/login.css";
import "./style/enrol.css";
import "./style/accounts.css";
import { AccountsPage } from "./accounts/accounts-page";
import { EnrolPage } from "./enrol/enrol-page";
import { browserTimers } from "./link/timers";
import { AccessEnded } from "./login/access-ended";
import { Login } from "./login/login";
import { LoginPage } from "./login/login-page";
import { StoreContext, ViewContext } from "./store/context";
import { Store } from "./store/store";
import { Theme } from "./store/theme";
import { listenForKeys } from "./wall/keyboard";
import { Page } from "./wall/page";

const { documentElement } = document;
const store = new Store({
  fetch: (input, init) => fetch(input, init),
  openSocket: (address) => new WebSocket(address),
  requestFrame: (run) => requestAnimationFrame(run),
  timers: browserTimers(),
  theme: new Theme(documentElement, localStorage, (name) =>
    getComputedStyle(documentElement).getPropertyValue(name),
  ),
  address: location.href,
});
const login = new Login(store.access);

function Root() {
  if (!store.access.me.value) {
    const enrols = login.way.value === "enrolment";
    return enrols ? <EnrolPage code={login.secret} /> : <LoginPage login={login} />;
  }
  return (
    <StoreContext.Provider value={store}>
      <ViewContext.Provider value={store.view}>
        <Page />
        <AccountsPage />
        <AccessEnded />
      </ViewContext.Provider>
    </StoreContext.Provider>
  );
}

/** Show the session and car that the address names, and keep the address up to date. */
function startWall(): void {
  const { race, view } = store;
  const chosen = new URLSearchParams(location.search);
  view.chosenName.value = chosen.get("car") ?? "";
  store.follow(chosen.get("session") ?? "");
  effect(() => {
    const session = race.session.value;
    const params = new URLSearchParams({ session, car: view.chosenName.value });
    history.replaceState(null, "", `?${params}`);
  });
  store.start();
  listenForKeys(store, window);
}

let started = false;
effect(() => {
  if (!store.access.me.value || started) return;
  started = true;
  untracked(startWall);
});

const { hash } = location;
// The fragment may hold a secret, which must not stay in the history.
if (hash) history.replaceState(null, "", location.pathname + location.search);
const root = document.getElementById("wall");
if (root) render(<Root />, root);
void login.start(hash);
