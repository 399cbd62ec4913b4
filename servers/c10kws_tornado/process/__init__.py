"""A server's process: signals, restarts, workers and its end."""
