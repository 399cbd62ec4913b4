"""The measured servers: modules with a port as their argument."""
