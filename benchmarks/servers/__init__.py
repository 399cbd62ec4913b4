"""The servers that are measured, each a module that takes its port from the command line."""
