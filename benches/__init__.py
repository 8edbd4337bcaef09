"""What Pressroom costs: to start, to run warm, and per million webhooks. `make bench` prints it; see `__main__`."""

import sys

from local.settings import LAYER

sys.path.insert(0, str(LAYER))  # the functions import `pressroom` by this name, as they do in Lambda
