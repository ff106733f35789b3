import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  build: { outDir: "../../consumers/gateway/static", emptyOutDir: true, target: "es2023" },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
