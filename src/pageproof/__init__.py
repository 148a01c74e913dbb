"""Prove the pages of a MkDocs site: run each block, compare each output and figure."""
