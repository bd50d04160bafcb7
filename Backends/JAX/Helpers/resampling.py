"""Helpers for resampling."""
