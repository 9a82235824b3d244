"""Settings that all tests share."""

import signal

from hypothesis import settings

# Whoever starts the tests with `nohup` or in the background of a script hands on that Ctrl-C is ignored.
for name in ("SIGINT", "SIGHUP"):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)

# The same examples on every machine and in every run; times are measured in bench/, never judged here.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("ci")
