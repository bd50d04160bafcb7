"""Helpers for embedding."""
