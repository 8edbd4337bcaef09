"""What the printers' messages tell of an order, as facts: pure, a module per printer. `orders` says what they do."""
