#!/usr/bin/env node
// solc as a native-looking program: the npm package `solc` (the official compiler as WebAssembly)
// behind the two calls that Brownie, forge and Slither make: `--version` and `--standard-json`.
// Imports that are not in the input are read relative to the working directory, then to the
// `--base-path` and `--include-path` folders, and nowhere outside these folders.
"use strict";

const fs = require("fs");
const path = require("path");
const solc = require("solc");

function folders(args) {
  const named = args.flatMap((arg, i) =>
    arg === "--base-path" || arg === "--include-path" ? [args[i + 1]] : []);
  return [process.cwd(), ...named].map((folder) => path.resolve(folder));
}

function findImport(roots, name) {
  for (const root of roots) {
    const file = path.resolve(root, name);
    const inside = file.startsWith(root + path.sep);
    if (inside && fs.existsSync(file)) return { contents: fs.readFileSync(file, "utf8") };
  }
  return { error: `${name} is in none of ${roots.join(", ")}` };
}

function compile(roots) {
  const input = fs.readFileSync(0, "utf8");
  return solc.compile(input, { import: (name) => findImport(roots, name) });
}

function main(args) {
  if (args.includes("--version")) {
    console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
  } else if (args.includes("--standard-json")) {
    // exit only after the write: process.exit() cuts a pipe at 64 KiB
    process.stdout.write(compile(folders(args)), () => process.exit(0));
  } else {
    console.error("solc.js answers --version and --standard-json only, got: " + args.join(" "));
    process.exit(1);
  }
}

main(process.argv.slice(2));
