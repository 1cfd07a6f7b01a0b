//! An emulator of the Honeycomb Management API, for first steps, tests and rehearsals.
