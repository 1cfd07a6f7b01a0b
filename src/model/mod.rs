//! The nouns everything else speaks in: addresses, keys, environments, permissions, secrets, times.
