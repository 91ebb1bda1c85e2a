"""Bytes in from the hospital, safe on disk before we say so."""
