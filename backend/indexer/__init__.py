"""Reads the chain into the store: raw logs first, then what they mean (design.md §5)."""
