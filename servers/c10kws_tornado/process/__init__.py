"""A server's processes: their sockets, signals and end; workers and their parent."""
