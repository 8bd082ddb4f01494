"""What people ask for: one verb, one function each. `db` is an open transaction that the caller commits."""
