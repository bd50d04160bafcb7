"""Helpers for losses."""
