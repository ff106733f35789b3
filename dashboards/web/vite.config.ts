import { copyFileSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const OUT = resolve(import.meta.dirname, "../../consumers/gateway/static");

/** Copy Swagger UI, unchanged, and the two files that make it the API's page. */
function apiPage(): Plugin {
  const viewer = resolve(import.meta.dirname, "node_modules/swagger-ui-dist");
  const own = resolve(import.meta.dirname, "openapi");
  const files = [
    [own, "index.html"],
    [own, "api.js"],
    [viewer, "swagger-ui.css"],
    [viewer, "swagger-ui-bundle.js"],
  ] as const;
  return {
    name: "api-page",
    apply: "build",
    closeBundle() {
      mkdirSync(resolve(OUT, "openapi"), { recursive: true });
      for (const [from, name] of files)
        copyFileSync(resolve(from, name), resolve(OUT, "openapi", name));
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [apiPage()],
  build: { outDir: OUT, emptyOutDir: true, target: "es2023" },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8000", ws: true } } },
  // No module of the page holds state, so tests may share one.
  test: { include: ["tests/**/*.test.ts"], environment: "node", isolate: false },
});
