import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const OUT = resolve(import.meta.dirname, "../../consumers/gateway/static");
const TEXT = new Set([".html", ".js", ".css", ".svg"]);

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

/** Write each text file compressed beside itself, where that is smaller. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle: {
      order: "post",
      sequential: true,
      handler() {
        for (const entry of readdirSync(OUT, { recursive: true, withFileTypes: true })) {
          if (!entry.isFile() || !TEXT.has(extname(entry.name))) continue;
          const path = resolve(entry.parentPath, entry.name);
          const whole = readFileSync(path);
          const packed = gzipSync(whole, { level: 9 });
          if (packed.length < whole.length) writeFileSync(`${path}.gz`, packed);
        }
      },
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [apiPage(), compressed()],
  build: { outDir: OUT, emptyOutDir: true, target: "es2023" },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8000", ws: true } } },
  // No module of the page holds state, so tests may share one.
  test: { include: ["tests/**/*.test.ts"], environment: "node", isolate: false },
});
