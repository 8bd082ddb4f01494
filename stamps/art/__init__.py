"""Stamp artwork: motifs drawn by code, engraved in lines, and what an edition says of them."""
