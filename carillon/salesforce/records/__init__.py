"""Records by id: read, changed, created, followed when they are merged or converted."""
