"""Trace a PyTorch model into the document that Graft imports."""
