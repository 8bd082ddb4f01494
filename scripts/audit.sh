#!/bin/sh
# Solhint and Slither over contracts/: no finding is left without an explanation. What is left out for all contracts
# stands here with its reason; what is left out for one line stands above that line.
set -eu
cd "$(dirname -- "$0")/.."
PATH="$PWD/build/bin:$PATH"

"${NODE:-node}" node_modules/solhint/solhint.js --noPoster --disc --max-warnings 0 -c solhint.config.js 'contracts/**/*.sol'

# Compiled here and not by Slither, which would clean the folders of forge's other builds.
rm -rf build/forge/slither
FOUNDRY_OFFLINE=true FOUNDRY_PROFILE=contracts FOUNDRY_OUT=build/forge/slither \
  FOUNDRY_CACHE_PATH=build/forge/slither/cache forge build --build-info --force >/dev/null

exclude() { excluded="${excluded:+$excluded,}$1"; }
# Event times and deadlines are what C5 is about; a block's maker can shift them by seconds, the windows are minutes.
exclude timestamp
# Empty is equal to nothing: a reason of no length (G2), a supply or count of none. No balance is compared.
exclude incorrect-equality
# Batches ask the network and the stamps, which are fixed at deployment, line by line; too much reverts whole (G3).
exclude calls-loop

exec build/audit/bin/slither . --ignore-compile --foundry-out-directory build/forge/slither \
  --filter-paths node_modules --exclude "$excluded" --disable-color --fail-pedantic
