"""Run an emitted JAX module."""
