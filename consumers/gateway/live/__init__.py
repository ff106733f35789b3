"""Live data: from the bus to the pages that watch."""
