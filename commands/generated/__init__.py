"""Files that are generated from code: the diagram, the table of settings, the wire types."""
