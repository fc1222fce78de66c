"""Every procedure's parameters as of old, arguments that fit them, and what NULL does in each."""
