"""How fast conversion is: `make bench` measures it, and says which goals are met."""
