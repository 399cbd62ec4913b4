"""Events from the server to many clients."""
