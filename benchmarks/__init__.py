"""How c10kws compares: ``python3 benchmarks`` (see ``__main__``)."""
