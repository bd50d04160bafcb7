"""Helpers for fourier."""
