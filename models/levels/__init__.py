"""Which vertebra a body is: what it shows, every spine that a chain of bodies could be, what may be said."""
