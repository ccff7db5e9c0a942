"""Reading a question as a computation over the notebook's tables, and running it."""
