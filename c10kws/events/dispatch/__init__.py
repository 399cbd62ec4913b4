"""Events from a client to the callbacks bound to them, and the answers."""
