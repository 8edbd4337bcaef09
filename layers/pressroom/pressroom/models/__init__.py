"""The shapes on the wire, a module per partner. Inbound models ignore what they don't know; outbound ones forbid it."""
