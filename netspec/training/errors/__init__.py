"""NS45x to NS47x: what is wrong with a recipe, and what goes wrong while training."""
