"""The routers of API v1, one for each noun."""
