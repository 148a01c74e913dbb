"""Drawings too long for a page's own block: one module a page."""
