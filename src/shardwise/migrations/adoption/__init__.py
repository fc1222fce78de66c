"""Taking over a deployment that SQL scripts made: what it is, what would not fit, its clock, its upgrade."""
