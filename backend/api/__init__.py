"""API v1: routers per noun. Numbers and codes are text at this edge, values of the domain inside."""
