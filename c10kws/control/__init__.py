"""Requests to the processes of a site: list connections, close them, emit, numbers.

Requests and answers are plain data, for JSON (``operations``). Each process that serves listens on
a Unix socket in a directory of its user (``listener``), so that commands and all processes of the
machine reach it. It also listens to a channel of the broker (``broker_listener``), if this one
reaches other machines. ``asking`` uses both ways.
"""
