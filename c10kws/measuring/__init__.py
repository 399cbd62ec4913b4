"""Measuring this process: families of numbers, their values, and where they are gathered."""
