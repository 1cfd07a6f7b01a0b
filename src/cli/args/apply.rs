//! The words of `apply`.

use std::path::PathBuf;

use clap::Args;

use super::{Choose, Emit, Format, Lift, Service, parse_file};
use crate::model::PlanIntent;

const STAGE_HELP: &str = "\
Which home does the sealed file need? A key is enabled only once its sealed secret is where it
will last.

  This disk lasts:     keycomb apply, then commit the sealed file.
  It does not (a job   1. keycomb apply --stage makes and seals the keys, and leaves them disabled.
  on a hosted runner): 2. Commit and push the sealed file, or upload it.
                       3. Within 7 days, keycomb apply --release where that file is checked out
                          enables them and does the rest of the plan. Commit the sealed file again.

--release makes no key, so that no secret is on such a disk alone. The first sealed file is made
by a plain apply where the disk lasts.

A staged key whose sealed entry is lost or changed on the way is never enabled. Its address is
busy (exit 8) until it is deleted, 8 days after it was made; --allow ADDRESS deletes it at once.
Do that only when no other pipeline still has its entry: the key could be deleted while that one
enables it.";

/// `keycomb apply`
#[derive(Debug, Args)]
#[command(after_help = STAGE_HELP)]
pub struct Apply {
    /// Carry out this plan, which `keycomb plan --out FILE` wrote, and nothing else
    #[arg(value_name = "FILE", value_parser = parse_file, conflicts_with_all = ["allow", "only", "skip", "env", "expect"])]
    pub file: Option<PathBuf>,
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// What is lifted.
    #[command(flatten)]
    pub lift: Lift,
    /// The report's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Further forms.
    #[command(flatten)]
    pub emit: Emit,
    /// The part.
    #[command(flatten)]
    pub choose: Choose,
    /// Go on only if the plan does exactly what this stands for, as `keycomb plan` said it
    #[arg(long, value_name = "kc1:…")]
    pub expect: Option<PlanIntent>,
    /// Do not ask. Never lifts a guard
    #[arg(short, long)]
    pub yes: bool,
    /// For a runner whose disk does not last: make and seal keys, and enable none (see below)
    #[arg(long)]
    pub stage: bool,
    /// For the same runner, after --stage: do all but make keys and environments (see below)
    #[arg(long, conflicts_with = "stage")]
    pub release: bool,
}
