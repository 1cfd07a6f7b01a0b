//! The words of `sandbox` and `rehearse`.

use std::path::PathBuf;

use clap::Args;

use super::{Format, parse_file};

/// `keycomb sandbox`
#[derive(Debug, Args)]
pub struct Sandbox {
    /// Where to listen; loopback only
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,
    /// Keep the state in this file; it holds secrets of the sandbox in clear (0600)
    #[arg(long, value_name = "FILE", value_parser = parse_file)]
    pub state: Option<PathBuf>,
    /// Ids, secrets and colours follow from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The team's slug
    #[arg(long, value_name = "SLUG", default_value = "acme")]
    pub team: String,
    /// Start with this many keys
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub keys: usize,
    /// Wait this long before each answer, such as 50ms
    #[arg(long, value_name = "TIME", value_parser = parse_latency, default_value = "0ms")]
    pub latency: std::time::Duration,
    /// So many requests per window, for each of reads and writes of each collection, such as 100/60s
    #[arg(long, value_name = "LIMIT")]
    pub rate_limit: Option<String>,
    /// A fault, such as drop-after:POST:api-keys@2, status:GET=503-html, slow%10=200ms, switch:NAME=VALUE; may be
    /// repeated
    #[arg(long, value_name = "SPEC", long_help = FAULT_HELP)]
    pub fault: Vec<String>,
}

const FAULT_HELP: &str = "\
A fault, may be repeated: KIND[:METHOD[:COLLECTION]][@N|@N+|%P][=ARG]
or switch:NAME=VALUE

  drop-before, drop-after    cut the connection before, or after, the effect
  status=CODE-SHAPE          answer so, without the effect
  status-after=CODE-SHAPE    answer so, after the effect
                             SHAPE: html text empty jsonapi problem legacy
  slow=TIME, truncate=BYTES  answer late, or cut the answer short
  duplicate, late=TIME       carry it out twice, or after the cut
  repeat-cursor, no-links    lists whose next page is the same, or unnamed
  stale-list=N, skew         lists without the newest N, or with a key made
                             between pages

METHOD and COLLECTION (api-keys, environments, auth) may be *. @N is only the
Nth match, @N+ from then on, %P so many of a hundred.";

fn parse_latency(text: &str) -> Result<std::time::Duration, String> {
    let duration: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a time such as `50ms`".to_owned())?;
    std::time::Duration::try_from(duration).map_err(|_| "expected a time of 0 or more".to_owned())
}

/// `keycomb rehearse`
#[derive(Debug, Args)]
#[command(after_help = REHEARSE_HELP)]
pub struct Rehearse {
    /// How many runs; each follows from its number, from 0
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        conflicts_with = "seed",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub seeds: u64,
    /// Only this run, with everything that happens in it
    #[arg(long, value_name = "K")]
    pub seed: Option<u64>,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
}

const REHEARSE_HELP: &str = "\
Never contacts Honeycomb, needs no credential, reads nothing but the
configuration, and writes only to a folder of its own that it removes.
Secrets are sealed to throw-away recipients, as many as are declared.

Requests are lost, late or delivered twice; answers are cut short, wrong or
late; listings lag; runs are killed, asked to stop, or lose power; disks fill
up, fail or are wiped; clocks jump; people and other applies come in between.
Then trouble stops, two applies follow, and everything that every key ever was
is checked. Guards are lifted. Exit 1 when a rule is broken.";
