"""The rule-book: what is signed, what is allowed, what follows. Pure; the standard library and one keccak."""
