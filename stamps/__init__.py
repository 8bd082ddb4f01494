"""The stamp and the label on paper: codes, artwork, sheets, and reading them back.

Imports nothing of the backend; everything here works offline. The format is in docs/stamp-format.md.
"""
