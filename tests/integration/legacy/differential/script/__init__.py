"""The script, a module a room; each step says what was called and what the old system answered."""
