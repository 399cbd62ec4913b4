"""The link of a process to a broker in another process."""
