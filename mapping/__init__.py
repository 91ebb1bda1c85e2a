"""Foreign languages to ours and back; no I/O, no state."""
