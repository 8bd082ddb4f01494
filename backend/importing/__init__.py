"""Parcels and their scans from a CSV file: read as a stream, judged in batches (docs/operations.md)."""
