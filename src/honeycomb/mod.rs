//! The Honeycomb Management API: client, wire format, pages, pacing, retries, errors.
//!
//! [`Connection`] holds what all calls share. It hands out a [`Reader`] and, to whatever applies a plan, a [`Writer`].

mod answer;
mod budget;
mod call;
mod clock;
mod connection;
mod cursor;
mod diagnose;
mod exchange;
#[doc(hidden)]
pub mod fuzzing;
mod json;
mod limits;
mod options;
mod pace;
mod pages;
mod read_all;
mod reader;
mod reason;
mod retry;
mod retry_after;
mod trace;
mod wire;
mod writer;

pub use connection::{Connection, ConnectionError, is_loopback};
pub use diagnose::{Context, Diagnosis, Kind, diagnose, diagnose_scopes, diagnose_team};
pub use options::{BudgetLeft, Collection, Credential, KeyOptions, Notice, Options, Patience, Why};
pub use read_all::{read_all, read_managed};
pub use reader::Reader;
pub use writer::Writer;
