"""Pressroom: what the functions share. Each module says what it may import; the receivers' path stays light."""
