"""The database and the chain that `posthorn up` brings along. Standard library and errors only."""
