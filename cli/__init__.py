"""The command line `pressroom`: one module per area with its commands; `main` registers them."""

import local  # noqa: F401 - makes the layer's package `pressroom` importable
