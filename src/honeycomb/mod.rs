//! The Honeycomb Management API: client, wire format, pages, pacing, retries, errors.
