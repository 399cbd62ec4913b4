"""Requests to the workers of a project: list connections, close them, numbers.

Requests and answers are plain data, for JSON (``operations``). ``links`` carries them: each worker
listens on a Unix socket in a directory of its user, so commands and all workers reach it.
"""
