// The package as another project sees it: what is in it, and that its types hold under a strict check.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { root } from "../root.ts";

const folder = mkdtempSync(join(tmpdir(), "belljar-consumer-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const windows = process.platform === "win32";

test("a strict TypeScript project, with no libraries skipped, checks against the declarations", () => {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules", "belljar"), windows ? "junction" : "dir");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(
    join(folder, "main.ts"),
    `import { BelljarError, loadPlugin } from "belljar";
const plugin = await loadPlugin("gain");
const wrong: string = plugin;
export const code: string = new BelljarError("area/what", "A sentence.").code;
void wrong;
`,
  );
  for (const resolution of ["nodenext", "bundler"]) {
    const options = {
      strict: true,
      target: "es2022",
      lib: ["es2023"],
      types: [],
      noEmit: true,
      skipLibCheck: false,
    };
    const module = resolution === "bundler" ? "esnext" : resolution;
    const config = {
      compilerOptions: { ...options, module, moduleResolution: resolution },
      files: ["main.ts"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.match(stdout, /^main\.ts\(3,7\): error TS2322[^\n]*\n$/, resolution);
  }
});

test("the package holds the bundles, declarations, plugins, SDK and contract, and no source maps or tests", () => {
  const said = execFileSync(
    windows ? "npm.cmd" : "npm",
    ["pack", "--dry-run", "--json", "--ignore-scripts"],
    {
      cwd: root,
      encoding: "utf8",
      shell: windows,
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const [pack] = Object.values(JSON.parse(said) as Record<string, { files: { path: string }[] }>);
  const files = (pack?.files ?? []).map((file) => file.path);
  const needed = [
    "dist/belljar.js",
    "dist/cli.js",
    "dist/compile-child.js",
    "dist/validate-child.js",
    "dist/plugins/gain.wasm",
  ];
  needed.push("dist/types/runtime/index.d.ts", "sdk-as/index.ts", "abi/layout.ts", "LICENSE", "package.json");
  assert.equal(
    needed.filter((file) => !files.includes(file)),
    [],
  );
  assert.equal(
    files.filter((file) => /\.map$|^(test|scripts|bench|node_modules|runtime)\//.test(file)),
    [],
  );
});

test("the lock file pins every package that package.json or a package asks for, other systems' too", () => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<
      string,
      { optionalDependencies?: Record<string, string>; dependencies?: Record<string, string> }
    >;
  };
  const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })
      .filter(
        (name) =>
          !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
      )
      .map((name) => `${path || "package.json"} asks for ${name}`),
  );
  assert.equal(missing, []);
});

test.run();
