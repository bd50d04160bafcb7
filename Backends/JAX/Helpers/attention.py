"""Helpers for attention."""
