//! The real client against a small server that plays exact answers and keeps exact requests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "test code"
)]

mod client;
mod errors;
mod gate;
mod hostile;
mod limits;
mod pages;
mod proof;
mod server;
mod tls;
mod writes;
