"""Handlers after the handshake: their start, tasks, threads, context and log."""
