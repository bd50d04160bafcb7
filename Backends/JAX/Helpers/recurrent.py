"""Helpers for recurrent."""
