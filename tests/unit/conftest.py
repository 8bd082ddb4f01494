"""For all unit tests: no property is judged by the clock; speed is measured by make bench."""

from hypothesis import settings

settings.register_profile("posthorn", deadline=None)
settings.load_profile("posthorn")
