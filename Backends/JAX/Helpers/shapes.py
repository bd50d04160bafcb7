"""Helpers for shapes."""
