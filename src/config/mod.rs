//! TOML text to `Desired`: raw structs with spans, then normalize; every problem of every file in one run.
