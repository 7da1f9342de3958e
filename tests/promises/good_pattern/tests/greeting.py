"""Travels with a copy."""
