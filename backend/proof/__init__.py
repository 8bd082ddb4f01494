"""Proof bundles: one trail in a file, with all that is needed to check it against a node (docs/bundle-format.md)."""
