// What a package of the sidecar holds, and its bytes: sorted, without times of their own, hashed.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { strToU8, zipSync } from "fflate";
import { BelljarError, printable } from "../../abi/error.ts";

/** Systems and processors, as Node calls them. */
export const TARGETS = [
  "linux-x64",
  "linux-arm64",
  "win32-x64",
  "win32-arm64",
  "darwin-x64",
  "darwin-arm64",
] as const;
export type Target = (typeof TARGETS)[number];

export interface PackageOptions {
  /** The installation's: node_modules is looked for there and above. */
  folder: string;
  /** The bundle. */
  sidecar: string;
  target: Target;
  configuration: "release" | "debug";
  portaudio?: string | undefined;
}

export interface PackedFile {
  /** Inside the zip. */
  path: string;
  bytes: Uint8Array;
}

export interface Packed {
  /** The zip's name. */
  file: string;
  zip: Uint8Array;
  sha256: string;
  files: PackedFile[];
  manifest: object;
}

/** The name that the sidecar looks for beside itself. */
export const OWN_PORTAUDIO: Record<string, string> = {
  linux: "libportaudio.so.2",
  win32: "portaudio_x64.dll",
  darwin: "libportaudio.2.dylib",
};

// What no program needs that is run: documents, declarations, sources of native parts, tests.
const NOT_RUN = /^(doc|vendor|dist|lib|test)$/;
const RUN = /^(LICENSE.*|package\.json|.*\.(js|cjs|mjs|node))$/i;
const TOOLS = /^(cnoke\.cjs|rollup\.config\.js|test-worker\.js|benchmark.*)$/;

// The earliest time that a zip can hold, in its own, zoneless words.
const NO_TIME = new Date(1980, 0, 1);

/** @throws BelljarError package/target, package/missing, package/portaudio */
export function packSidecar({ folder, sidecar, target, configuration, portaudio }: PackageOptions): Packed {
  const { version, engines, license } = packageOf(folder);
  const source = readFileSync(sidecar, "utf8");
  const debug = configuration === "debug";
  const files: PackedFile[] = [
    { path: "LICENSE", bytes: readFileSync(path.join(folder, "LICENSE")) },
    { path: "bin/package.json", bytes: strToU8('{ "type": "module" }\n') },
    {
      path: "bin/sidecar.js",
      bytes: strToU8(debug ? source : source.replace(/^\/\/# sourceMappingURL=.*\n?/m, "")),
    },
  ];
  if (debug) files.push({ path: "bin/sidecar.js.map", bytes: readFileSync(`${sidecar}.map`) });
  for (const name of ["koffi", "msgpackr"]) files.push(...filesOf(name, findPackage(name, folder)));
  files.push(...filesOf(nativeOf(target), findNative(target, folder)));
  if (portaudio !== undefined) {
    const name = OWN_PORTAUDIO[target.split("-")[0] as string] as string;
    files.push({ path: `bin/${name}`, bytes: readLibrary(portaudio) });
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const manifest = {
    name: "belljar-sidecar",
    version,
    license,
    target,
    configuration,
    node: engines.node,
    sidecar_path: "bin/sidecar.js",
    files: files.map(({ path: inside, bytes }) => ({
      path: inside,
      bytes: bytes.length,
      sha256: hash(bytes),
    })),
  };
  files.unshift({ path: "manifest.json", bytes: strToU8(`${JSON.stringify(manifest, null, 2)}\n`) });
  const entries = Object.fromEntries(files.map(({ path: inside, bytes }) => [inside, bytes]));
  const zip = zipSync(entries, { level: 9, mtime: NO_TIME });
  const file = `belljar-sidecar-${version}-${target}${debug ? "-debug" : ""}.zip`;
  return { file, zip, sha256: hash(zip), files, manifest };
}

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface Package {
  version: string;
  license: string;
  engines: { node: string };
}

function packageOf(folder: string): Package {
  return JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as Package;
}

const nativeOf = (target: Target): string => `@koromix/koffi-${target}`;

/** Where an installed package lies, as Node would look for it; null: nowhere. */
function lookFor(name: string, folder: string): string | null {
  for (let at = folder; ; at = path.dirname(at)) {
    const place = path.join(at, "node_modules", ...name.split("/"));
    if (existsSync(path.join(place, "package.json"))) return place;
    if (path.dirname(at) === at) return null;
  }
}

function findPackage(name: string, folder: string): string {
  const place = lookFor(name, folder);
  if (place !== null) return place;
  throw new BelljarError(
    "package/missing",
    `The package ${name} is not installed.`,
    "Install Belljar again.",
  );
}

function findNative(target: Target, folder: string): string {
  const place = lookFor(nativeOf(target), folder);
  if (place !== null) return place;
  const { version } = packageOf(findPackage("koffi", folder));
  throw new BelljarError(
    "package/target",
    `${nativeOf(target)}, the part of koffi for ${target}, is not installed.`,
    `Install it beside this system's: npm install --no-save --force ${nativeOf(target)}@${version}`,
  );
}

/** The files of a package that are needed when it runs. */
function filesOf(name: string, place: string): PackedFile[] {
  const found: PackedFile[] = [];
  const walk = (folder: string, inside: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const from = path.join(folder, entry.name);
      const to = `${inside}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!NOT_RUN.test(entry.name) && entry.name !== "node_modules") walk(from, to);
      } else if (RUN.test(entry.name) && !TOOLS.test(entry.name)) {
        found.push({ path: to, bytes: readFileSync(from) });
      }
    }
  };
  walk(place, `bin/node_modules/${name}`);
  return found;
}

function readLibrary(file: string): Uint8Array {
  try {
    // Opening a named pipe would wait for its other end.
    if (!statSync(file).isFile()) {
      throw new BelljarError("package/portaudio", `${printable(file, 120)} is no file.`);
    }
    return readFileSync(file);
  } catch (error) {
    if (error instanceof BelljarError) throw error;
    const why = printable(String((error as NodeJS.ErrnoException).code), 20);
    throw new BelljarError("package/portaudio", `${printable(file, 120)} can't be read (${why}).`);
  }
}
