#!/bin/sh
# The anvil that Brownie starts for its network `development`. Brownie can neither choose a free
# port nor pass on the cap per transaction (EIP-7825), so both are added here.
exec anvil --port "$BROWNIE_PORT" --enable-tx-gas-limit "$@"
