"""Helpers for sorting."""
