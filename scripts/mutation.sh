#!/bin/sh
# slither-mutate over one contract (PostalNetwork unless named), killed by the invariants. Only mutants that replace a
# statement by a revert, unless MUTATORS names others (slither-mutate --list-mutators). Works on a copy: it changes the
# files in place. Survivors lie in build/forge/mutation/mutation_campaign; those known have a reason in docs/audit.md.
#
#   scripts/mutation.sh CryptoStamp 'claim(((uint64,address,uint40),bytes32[],bytes))'
set -eu
cd "$(dirname -- "$0")/.."
contract=${1:-PostalNetwork}
functions=${2:-}

copy=build/forge/mutation
rm -rf "$copy"
mkdir -p "$copy/build/forge" "$copy/tests"
cp -R contracts foundry.toml "$copy"
cp -R tests/invariants "$copy/tests"
cp -R build/forge/contracts "$copy/build/forge/originals"
cp -R build/forge/contracts "$copy/build/forge/contracts"
ln -s "$PWD/node_modules" "$copy/node_modules"
ln -s "$PWD/build/solcx" "$copy/build/solcx"

PATH="$PWD/build/bin:$PWD/build/audit/bin:$PATH"
cd "$copy"
originals=build/forge/originals
export FOUNDRY_OFFLINE=true FOUNDRY_FUZZ_SEED=0x5eed FOUNDRY_INVARIANT_SHRINK_RUN_LIMIT=0
export OUT_PostalNetwork="$originals" OUT_CustodyLedger="$originals" OUT_CryptoStamp="$originals"
export "OUT_$contract=build/forge/contracts"
forge build >/dev/null
# Slither compiles a mutant where the tests load it from.
FOUNDRY_PROFILE=contracts exec slither-mutate "contracts/$contract.sol" --contract-names "$contract" \
  --mutators-to-run "${MUTATORS:-RR}" --timeout "${TIMEOUT:-300}" --comprehensive \
  ${functions:+--target-functions "$functions"} \
  --test-cmd "env FOUNDRY_PROFILE=default FOUNDRY_INVARIANT_RUNS=${RUNS:-32} forge test"
