//! Carries out plans against a service in memory that logs every call, and looks at the log.
//!
//! Which test shows which rule of minting (the design's §6), besides the sweeps, which hold the whole log against them:
//!
//! | rule | tests |
//! |---|---|
//! | step 1 | `seal`: `preflight_finds_a_folder_that_takes_no_file`, `after_a_failed_preflight_fsync_nothing_is_taken_down` |
//! | steps 2 to 11 | `steps`: `step_02_…` to `step_11_…`; the order of all: `a_key_is_minted_in_the_order_of_the_protocol` |
//! | chunks | `steps`: `a_chunk_…` |
//! | settling | `discard`: `settling_…`, and `steps`: `release_…`; what is planned: `plan`, `minting` |
//! | unsealed | `plan`: `a_key_that_lost_its_entry_is_unsealed_and_never_made_again`, `an_enabled_leftover_…` |
//! | S1 | `step_06_sealed_and_durable_before_it_is_enabled_s1`; `converge`: `assert_held` |
//! | S2 | `sweep`: in all; `converge`: `assert_never_in_clear`; `seal` and `cli`: `leaks` |
//! | S3 | `s3_…`; `converge`: `assert_deleted_rightly` |
//! | S4 | `s4_…`; `converge`: `assert_deleted_rightly` |
//! | S5 | `sweep`: `assert_one_live_each`; `converge`: `assert_one_each` |
//! | S6 | `converge`: `a_key_that_was_released_too_late_gets_a_successor_and_goes` |
//! | S7 | `converge`: `come_to_rest`, after every fault and crash |
//! | S8 | `s8_…`; `converge`: `assert_unchanged` |
//! | S9 | `converge`: `Lab::plan` counts every request that is no GET |
//! | S10 | `seal`: `the_file_is_old_or_new_and_whole_whatever_fails` |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod bound;
mod changes;
mod discard;
mod environments;
mod gate;
mod plans;
mod revoke;
mod rotation;
mod running;
mod settled;
mod staged;
mod steps;
mod sweep;
mod world;
