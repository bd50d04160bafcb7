"""Helpers for elementwise."""
