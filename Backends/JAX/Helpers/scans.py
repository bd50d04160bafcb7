"""Helpers for scans."""
