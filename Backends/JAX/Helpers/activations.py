"""Helpers for activations."""
