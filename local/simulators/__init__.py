"""Test doubles for the third parties; each runs as a process of its own."""
