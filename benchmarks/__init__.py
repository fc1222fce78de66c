"""Side-by-side measurements against peers: one file a question, every figure from one run."""
