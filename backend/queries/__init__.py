"""Answers from the read model: plain selects into frozen dataclasses; no row leaves this package."""
