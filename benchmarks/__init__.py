"""Comparison of c10kws with other servers: ``python3 benchmarks`` (see ``__main__``)."""
