//! Decides: (`Desired`, `Live`, sealed, policy, now) to `Plan`. Synchronous and pure.
