"""Web hooks: which addresses may be called, one call, and the worker that tells (docs/decisions/0019)."""
