"""Harken hears a baby's cry, brings someone there, and keeps an honest record."""

__version__ = "0.1.0"
