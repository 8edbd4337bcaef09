"""The command line `pressroom`: one module per area, each with its commands, put together in `main`."""
