"""The ops API: one module per area, each with a `router`; `app` is its door and what they share."""
