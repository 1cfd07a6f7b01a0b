//! A plan in a file: what it was made from, what it does, and whether it may still be carried out. Pure.

mod refuse;
mod rest;
mod schema;
mod shown;
mod text;
mod value;

pub use refuse::{Files, Now, Refused, refuse, refuse_files};
pub use rest::uncovered;
pub use schema::schema;
pub use text::{Unreadable, parse, write};
pub use value::{ConfigFile, FORMAT, Saved, SealedFile};
