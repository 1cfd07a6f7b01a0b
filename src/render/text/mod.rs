//! For people: one line for each object, aligned, with colour that means something.

mod action;
mod change;
mod drift;
mod external;
mod finding;
mod heading;
mod holders;
mod page;
mod plan;
mod report;
mod summary;
mod table;

pub(super) use action::{is_telling, verb_text};
pub use drift::drift;
pub use external::external;
pub use holders::verified;
pub use plan::plan;
pub use report::report;
pub(super) use table::short;
pub use table::{secrets, status};
