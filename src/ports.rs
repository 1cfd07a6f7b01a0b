//! What the core asks of the outside: read live, write live, keep a record, tell the time.
