"""How Pressroom talks to others over HTTP: one module per partner, and `http`, which they share."""
