"""Small parts with no knowledge of databases: clock, ids, retry, pages."""
