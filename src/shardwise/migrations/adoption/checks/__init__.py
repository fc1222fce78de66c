"""What would not fit, one idea a file; each check asks with a few statements over whole tables."""
