"""The raw stream after a 101 and its transports."""
