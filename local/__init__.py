"""The local cloud: Pressroom's own template on an emulator, with stand-ins for the third parties. Never deployed."""
