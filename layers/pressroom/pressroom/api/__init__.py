"""The ops API: one module per area, each with a `router`; `common` is what they share, `app` puts them together."""
