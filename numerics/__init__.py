"""Floating point, pictures and the command line; builds on `theory`, which never imports it."""
