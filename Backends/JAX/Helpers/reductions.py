"""Helpers for reductions."""
