"""Benchmarks: CPU time of cold and warm starts, AWS calls and list prices. `make bench` prints them; see `__main__`."""

import local  # noqa: F401 - makes the layer's package `pressroom` importable, under its name in Lambda
