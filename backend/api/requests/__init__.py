"""Bodies of requests, as the API takes them in; the routers make use cases' requests of them."""
