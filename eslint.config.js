import tseslint from "typescript-eslint";

const rawMemory = ["load", "store", "changetype", "memory", "heap", "unchecked"].map((name) => ({
  name,
  message: "Raw memory stays in assembly/host and assembly/crypto.",
}));

export default tseslint.config(
  // These have function decorators, which are AssemblyScript and not TypeScript.
  {
    ignores: [
      "build/**",
      "node_modules/**",
      "assembly/host/abi.ts",
      "assembly/host/span_access.ts",
      "assembly/host/byte_map_access.ts",
    ],
  },
  {
    files: ["cli/**/*.ts", "envoy/**/*.ts", "test/**/*.ts", "bench/**/*.ts", "docs/**/*.ts"],
    ignores: ["test/unit/**", "test/vectors/probe/**", "test/host/guests/**", "bench/guests/**"],
    extends: tseslint.configs.strictTypeChecked,
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", name: ["test", "it", "describe", "suite"], package: "node:test" },
          ],
        },
      ],
    },
  },
  {
    // AssemblyScript: the parser reads it, the types are not TypeScript's.
    files: ["assembly/**/*.ts"],
    languageOptions: { parser: tseslint.parser },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-unreachable": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "ThrowStatement", message: "A throw is a trap, and a trap takes down a worker's VM." },
        {
          selector: "NewExpression",
          message: "Nothing is allocated while serving: make records in host/arena.",
        },
      ],
    },
  },
  {
    files: ["assembly/**/*.ts"],
    ignores: ["assembly/host/**", "assembly/crypto/**"],
    rules: { "no-restricted-globals": ["error", ...rawMemory] },
  },
);
