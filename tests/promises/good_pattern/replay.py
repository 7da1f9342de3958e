"""Hands in again what was set aside."""
