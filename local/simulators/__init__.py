"""Stand-ins for third parties that can't be reached from a desk; each runs as a process of its own."""
