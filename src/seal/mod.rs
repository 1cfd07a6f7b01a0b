//! The sealed file, its journal, and age.
