"""The only importer of web3: the node, the contracts' calls and errors, the sender."""
