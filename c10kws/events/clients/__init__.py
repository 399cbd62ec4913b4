"""The clients of an EventSocket: one as its callbacks see it, and all of them."""
