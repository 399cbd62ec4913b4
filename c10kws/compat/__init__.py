"""Names of older packages, for projects that move."""
