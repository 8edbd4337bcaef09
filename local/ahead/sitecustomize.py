"""Moves the clock of each Python process that starts with this folder on its PYTHONPATH: `make test AHEAD=400`.

PRESSROOM_AHEAD says by how many days. Python imports a module of this name before it runs anything, so nothing reads
the unmoved clock. Monotonic clocks, pauses and time-outs are as they were; so are the clocks of what is not Python (the
kernel's file times, OpenSSL, Chromium).
"""

import os
import sys
import time
from datetime import timedelta

# time-machine imports them if it can: for a fixture of pytest, and to read dates from text. They would make each start
# of a function several times slower, and a function would get these tests' dateutil in the place of its layer's.
_NOT_NEEDED = ("dateutil", "pytest")

if days := os.environ.get("PRESSROOM_AHEAD"):
    sys.modules.update(dict.fromkeys(_NOT_NEEDED))  # type: ignore[arg-type]  # None: it can't be imported
    try:
        import time_machine
    finally:
        for name in _NOT_NEEDED:
            del sys.modules[name]
    time_machine.travel(timedelta(days=float(days))).start()
    time.time()  # a moved clock stands still until it is read for the first time
