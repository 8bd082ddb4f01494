/**
 * Builds the scripts of the pages: backend/web/js -> backend/web/static/js, and the ABI entries that they read.
 *
 *   node scripts/build_web.mjs           write
 *   node scripts/build_web.mjs --check   exit 1 where what is committed is not what would be written
 */

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const SOURCE = join(ROOT, "backend/web/js");
const TARGET = join(ROOT, "backend/web/static/js");
const PAGES = ["check", "claim", "deliver", "device", "live", "scan", "times", "work"];
const READ = {
  ledger: [
    "CustodyLedger",
    "headOf itemOf receptacleOf Accepted Delivered Ended TakenUp Recalled Reported HandedOff HandOffForced ItemHandedOff " +
      "Packed Closed Opened Stayed ItemMissing LineRefused Refused",
  ],
  network: ["PostalNetwork", "custodian keyAt stampSigner RightGranted KeyCompromised"],
  stamps: ["CryptoStamp", "issued useOf twinOf Franked StampCancelled"],
};
const WASM = "zxing_reader.wasm";

function abiModule() {
  const exports = Object.entries(READ).map(([name, [contract, wanted]]) => {
    const file = JSON.parse(readFileSync(join(ROOT, `backend/chain/abi/${contract}.json`), "utf8"));
    const entries = (Array.isArray(file) ? file : file.abi).filter((entry) => wanted.split(" ").includes(entry.name));
    const missing = wanted.split(" ").filter((one) => !entries.some((entry) => entry.name === one));
    if (missing.length) throw new Error(`${contract} has no ${missing.join(", ")}`);
    const lines = entries.map((entry) => `  ${JSON.stringify(lean(entry))},`);
    return `export const ${name} = [\n${lines.join("\n")}\n];\n`;
  });
  return `// Written by scripts/build_web.mjs from backend/chain/abi.\n\n${exports.join("\n")}`;
}

/** Without the compiler's own names of types. */
function lean(value) {
  if (Array.isArray(value)) return value.map(lean);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== "internalType" && key !== "anonymous");
  return Object.fromEntries(kept.map(([key, inner]) => [key, lean(inner)]));
}

async function bundles() {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: PAGES.map((page) => join(SOURCE, `${page}.js`)),
    outdir: TARGET,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const files = result.outputFiles.map((file) => [file.path, Buffer.from(file.contents)]);
  return [...files, [join(TARGET, "licences.txt"), Buffer.from(licences(result.metafile))]];
}

/** The licences of the packages of which something went in. */
function licences({ outputs }) {
  const used = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const paths = used.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  const inside = paths.map((path) => path.match(/^node_modules\/((@[^/]+\/)?[^/]+)\//)?.[1]).filter(Boolean);
  const texts = [...new Set([...inside, "zxing-wasm"])].sort().map((name) => {
    const folder = join(ROOT, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file ? readFileSync(join(folder, file), "utf8").trim() : `Licence: ${license}`;
    return `${name} ${version}\n\n${text}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

function put(path, bytes, check, stale) {
  const same = existsSync(path) && readFileSync(path).equals(bytes);
  if (same) return;
  if (check) stale.push(relative(ROOT, path));
  else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

const check = process.argv.includes("--check");
const stale = [];
put(join(SOURCE, "abi.js"), Buffer.from(abiModule()), check, stale);
for (const [path, bytes] of await bundles()) put(path, bytes, check, stale);
put(join(TARGET, WASM), readFileSync(join(ROOT, "node_modules/zxing-wasm/dist/reader", WASM)), check, stale);
if (stale.length) {
  console.error(`out of date: ${stale.join(", ")}\nRun: node scripts/build_web.mjs`);
  process.exit(1);
}
