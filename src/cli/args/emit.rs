//! The words of `--emit`.

use std::path::PathBuf;

use clap::Args;

use super::parse_file;
use crate::render::Kind;

const HELP: &str = "\
Also write the result to a file in another form, such as sarif=keycomb.sarif; `-` is stdout; may be repeated

  json                 what --format json prints
  markdown             for people: counts, what to look at first, details folded
  github-comment       the same in at most 60,000 bytes, with a mark to find it by
  github-summary       the same, added to the file: $GITHUB_STEP_SUMMARY
  github-annotations   commands for GitHub's runner, on the lines that cause them
  gitlab-report        counts for artifacts:reports:terraform; of plan only
  terraform-plan-json  for OPA, conftest and plan viewers; of plan and drift only
  sarif                SARIF 2.1.0: what deserves a look, on the lines that cause it
  junit                a test for each address: what drifted, is blocked or failed, fails
  openmetrics          counts; of plan also the keys' age and next step
  html                 one page that stands alone: changes, drift, keys, a calendar";

/// Further forms of the result.
#[derive(Debug, Clone, Default, Args)]
pub struct Emit {
    /// Also write the result to a file in another form, such as sarif=keycomb.sarif; `-` is stdout; may be repeated
    #[arg(long, value_name = "KIND=PATH", value_parser = parse_emitted, long_help = HELP)]
    pub emit: Vec<Emitted>,
}

/// One `--emit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// The form.
    pub kind: Kind,
    /// Where it goes; `-` is stdout.
    pub path: PathBuf,
}

fn parse_emitted(text: &str) -> Result<Emitted, String> {
    let (kind, path) = text.split_once('=').ok_or("expected KIND=PATH, such as json=plan.json")?;
    let kind = kind.parse()?;
    if path.is_empty() {
        return Err("the path is missing".to_owned());
    }
    Ok(Emitted { kind, path: parse_file(path)? })
}
