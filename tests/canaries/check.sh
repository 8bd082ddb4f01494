#!/bin/sh
# Every test runner is given a test that fails, and must say so: in its exit code and in words.
set -eu
cd "$(dirname -- "$0")/../.."

must_fail() {
  name=$1
  shift
  if output=$("$@" 2>&1); then
    printf '%s\n' "$output" "The canary passed in $name: its results mean nothing." >&2
    exit 1
  fi
  if ! printf '%s' "$output" | grep -q '1 failed'; then
    printf '%s\n' "$output" "The canary in $name did not fail as a test, but something else did." >&2
    exit 1
  fi
  echo "canary: $name reports a failing test"
}

must_fail pytest .venv/bin/python -m pytest -p no:cacheprovider tests/canaries/canary_in_pytest.py
must_fail brownie scripts/brownie.sh test tests/canaries/canary_in_brownie.py
must_fail forge env FOUNDRY_OFFLINE=true FOUNDRY_SRC=tests/canaries FOUNDRY_TEST=tests/canaries \
  FOUNDRY_OUT=build/forge/canary FOUNDRY_CACHE_PATH=build/forge/canary/cache build/bin/forge test
