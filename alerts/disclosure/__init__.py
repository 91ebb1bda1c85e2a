"""What a reader may be told: the least, from one place for each kind of thing."""
