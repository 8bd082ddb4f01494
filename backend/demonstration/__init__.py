"""The demonstration network: what a newcomer meets on the first start, made through the use cases.

All names are marked «demonstration, no value»; nobody in it is a real or invented person.
"""

from backend.demonstration.make import Made, make

__all__ = ["Made", "make"]
