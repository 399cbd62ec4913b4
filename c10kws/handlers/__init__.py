"""Handlers after the handshake: their tasks, threads, context and logs."""
