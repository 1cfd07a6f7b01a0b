//! Carries a plan out through the ports: mint, release, update, disable, delete.
