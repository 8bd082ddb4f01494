#!/bin/sh
# Brownie with everything it writes or looks for kept inside the project: its data folder, the
# compiler, the anvil that it starts on a free port. Arguments are Brownie's own, for instance
#   scripts/brownie.sh test tests/contracts
#   RPC_URL=http://127.0.0.1:8545 scripts/brownie.sh run deploy --network posthorn
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
python="$root/.venv-contracts/bin/python"
if ! [ -x "$python" ]; then
  echo "Brownie is not installed in $root/.venv-contracts: run make setup" >&2
  exit 1
fi
cd "$root"

# One at a time: Brownie rewrites its build files while it loads them. The lock lives as long as
# descriptor 9, which the exec below hands on; the contract tests give it back when they are loaded.
mkdir -p build/brownie-home/.brownie
exec 9> build/brownie.lock
"$python" - <<'END'
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Waiting for another run of Brownie in this checkout.", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)
END

# What Brownie remembers of other chains with the same number would be taken for this chain's.
rm -rf build/brownie/deployments
cp scripts/networks.yaml build/brownie-home/.brownie/network-config.yaml
HOME="$root/build/brownie-home"   # its data folder lies in HOME

# A free port for the anvil of the network `development`: on a taken one Brownie would attach to
# whatever listens there.
BROWNIE_PORT=$("$python" -c \
  'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
SOLCX_BINARY_PATH="$root/build/solcx"
PATH="$root/build/bin:$root/scripts:$PATH"
# pyproject.toml makes warnings errors; those of Brownie's old dependencies are not ours to mend.
PYTEST_ADDOPTS="-W default ${PYTEST_ADDOPTS:-}"
BROWNIE_LOCK=9
export HOME PATH BROWNIE_PORT PYTEST_ADDOPTS SOLCX_BINARY_PATH BROWNIE_LOCK

exec "$root/.venv-contracts/bin/brownie" "$@"
