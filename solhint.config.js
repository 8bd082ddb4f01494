// Solhint's recommended rules for contracts/. Each that is off has its reason.
module.exports = {
  extends: "solhint:recommended",
  rules: {
    // Since Solidity 0.7 a constructor has no visibility.
    "func-visibility": ["warn", { ignoreConstructors: true }],
    // Public immutables are the views that the interfaces name: network(), ledger(), stamps().
    "immutable-vars-naming": "off",
    // The interfaces are the manual; implementations say @inheritdoc, and what is private says why in @dev.
    "use-natspec": "off",
    // Gas is measured by tests/contracts/test_gas.py on what the optimizer leaves; these rules count characters.
    "gas-custom-errors": "off",
    "gas-increment-by-one": "off",
    "gas-indexed-events": "off",
    "gas-small-strings": "off",
    "gas-strict-inequalities": "off",
    "gas-struct-packing": "off",
  },
};
