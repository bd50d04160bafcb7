"""Helpers for indexing."""
