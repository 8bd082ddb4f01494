"""The pages: server-rendered, usable without scripts, strict about what a browser may load."""
