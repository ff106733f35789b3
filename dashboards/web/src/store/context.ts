/** The store and the view as components get them. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Store } from "./store";
import type { View } from "./view";

export const StoreContext = createContext<Store | null>(null);
/** The nearest view: every component below it shows the same instant. */
export const ViewContext = createContext<View | null>(null);

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error("useStore needs a StoreContext around it");
  return store;
}

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error("useView needs a ViewContext around it");
  return view;
}
