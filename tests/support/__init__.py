"""Servers, peers, frames and waiting for all tests, which never import from each other."""
