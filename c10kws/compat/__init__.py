"""The names of older packages, for projects that migrate from them."""
