"""The pages of the server for people: one to try a model in a browser, and the reference of its addresses."""
