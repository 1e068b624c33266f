"""Small repositories of the kinds that people have: converted, then imported in a new process."""
