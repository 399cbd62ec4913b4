"""Which Python goes with which Django: ``python3 matrix`` (see ``__main__``)."""
