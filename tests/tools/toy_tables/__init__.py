"""The table of facts that the refinement of the tests derives."""
