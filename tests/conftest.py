"""Settings that all tests share."""

from hypothesis import settings

# The same examples on every machine and in every run; times are measured in bench/, never judged here.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("ci")
