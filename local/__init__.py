"""The local cloud: Pressroom's own template on an emulator, with simulators of the third parties. Never deployed.

The layer's package `pressroom` is not installed in any environment. Importing `local` makes it importable, so `cli` and
`benches` import `local` first.
"""

import sys

from local.settings import LAYER

if str(LAYER) not in sys.path:
    sys.path.insert(0, str(LAYER))
