//! `keycomb rehearse`: the configuration through everything that can go wrong, on an emulator in this process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc::{self, UnboundedSender};

use super::args::{Format, Global, Rehearse as Args};
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupt;
use super::output::Output;
use super::progress::Bar;
use super::session::load;
use crate::model::{Desired, counted, visible};
use crate::rehearse::{Calls, KEYS_IN_A_RUN, Ran, Rehearsal, RehearseError, Rule, Tally};
use crate::render;

/// Runs the seeds and prints what they came to.
///
/// # Errors
/// A wrong configuration (3); a machine that refuses a folder, a port or a thread (1).
pub async fn run(
    args: &Args,
    global: &Global,
    output: &Output,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let mut desired = load(global)?.desired;
    // The recipients are throw-away ones, and nobody is there to prove anything.
    desired.seal.min_proven = 0;
    if desired.keys.is_empty() {
        output.say("nothing to rehearse: no key is declared");
        let none = Outcome::new(vec![], None, &desired, global);
        return match args.format {
            Format::Text => Ok(Exit::Done),
            Format::Json => output.write(&render::json::document(&none.document())).map(|()| Exit::Done),
        };
    }
    let begun = Instant::now();
    let seeds = args.seed.map_or(0..args.seeds, |seed| seed..seed.saturating_add(1));
    let counted = usize::try_from(seeds.end.saturating_sub(seeds.start)).unwrap_or(usize::MAX);
    let bar = Bar::new(counted, output);
    let done = all(&desired, seeds, &bar, interrupt).await;
    bar.end();
    let (ran, calls) = done?;
    let outcome = Outcome::new(ran, calls, &desired, global);
    output.write(&match args.format {
        Format::Text => outcome.text(args.seed.is_some()),
        Format::Json => render::json::document(&outcome.document()),
    })?;
    output.say(&format!("took {:.1} s", begun.elapsed().as_secs_f64()));
    Ok(outcome.exit(interrupt))
}

/// What a thread has to tell.
enum News {
    Ran(Box<Ran>),
    Calls(Calls),
    Failed(RehearseError),
}

/// Runs the seeds on all processors, up to the first that breaks a rule; the runs by seed.
async fn all(
    desired: &Desired,
    seeds: std::ops::Range<u64>,
    bar: &Bar,
    interrupt: &Interrupt,
) -> Result<(Vec<Ran>, Option<Calls>), Failure> {
    let work =
        Arc::new(Work { next: AtomicU64::new(seeds.start), end: seeds.end, is_over: AtomicBool::new(false) });
    let (tell, mut hear) = mpsc::unbounded_channel();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    for number in 0..threads {
        let (work, desired, tell) = (Arc::clone(&work), desired.clone(), tell.clone());
        // Not waited for when it fails: whatever it still holds goes with the process.
        std::thread::spawn(move || work.through(&desired, number == 0, &tell));
    }
    drop(tell);
    let (mut ran, mut calls) = (vec![], None);
    loop {
        let news = tokio::select! {
            biased;
            () = interrupt.raised(), if !work.is_over.load(Ordering::SeqCst) => {
                work.is_over.store(true, Ordering::SeqCst);
                continue;
            }
            news = hear.recv() => news,
        };
        match news {
            Some(News::Ran(one)) => {
                bar.one_more();
                ran.push(*one);
            }
            Some(News::Calls(counted)) => calls = Some(counted),
            Some(News::Failed(error)) => return Err(Failure::new(Exit::Failed, error)),
            None => break,
        }
    }
    ran.sort_by_key(|ran| ran.seed);
    // Which others were under way when the first one broke is chance.
    if let Some(first) = ran.iter().position(|ran| !ran.broken.is_empty()) {
        ran.truncate(first + 1);
    }
    Ok((ran, calls))
}

/// The seeds that are left.
struct Work {
    next: AtomicU64,
    end: u64,
    is_over: AtomicBool,
}

impl Work {
    fn through(&self, desired: &Desired, counts: bool, tell: &UnboundedSender<News>) {
        if let Err(error) = self.try_through(desired, counts, tell) {
            self.is_over.store(true, Ordering::SeqCst);
            // Nobody listens any more only when the process ends.
            let _ = tell.send(News::Failed(error));
        }
    }

    fn try_through(
        &self,
        desired: &Desired,
        counts: bool,
        tell: &UnboundedSender<News>,
    ) -> Result<(), RehearseError> {
        let rehearsal = Rehearsal::new(desired)?;
        if counts {
            let _ = tell.send(News::Calls(rehearsal.calls()?));
        }
        while !self.is_over.load(Ordering::SeqCst) {
            let seed = self.next.fetch_add(1, Ordering::SeqCst);
            if seed >= self.end {
                break;
            }
            let ran = rehearsal.run(seed)?;
            if !ran.broken.is_empty() {
                self.is_over.store(true, Ordering::SeqCst);
            }
            let _ = tell.send(News::Ran(Box::new(ran)));
        }
        Ok(())
    }
}

fn tally(ran: &[Ran]) -> Tally {
    let mut tally = Tally::default();
    ran.iter().for_each(|ran| tally.add(ran));
    tally
}

/// The command that replays a seed, but for the seed.
fn replay(global: &Global) -> String {
    format!("keycomb rehearse -c {} --seed", visible(&global.config.display().to_string()))
}

/// What is printed.
struct Outcome<'a> {
    ran: Vec<Ran>,
    tally: Tally,
    calls: Option<Calls>,
    desired: &'a Desired,
    replay: String,
}

impl<'a> Outcome<'a> {
    fn new(ran: Vec<Ran>, calls: Option<Calls>, desired: &'a Desired, global: &Global) -> Self {
        Self { tally: tally(&ran), calls, ran, desired, replay: replay(global) }
    }

    fn failed(&self) -> Option<&Ran> {
        self.ran.last().filter(|ran| !ran.broken.is_empty())
    }

    fn exit(&self, interrupt: &Interrupt) -> Exit {
        match self.failed() {
            Some(_) => Exit::Failed,
            None if interrupt.is_raised() => interrupt.exit(),
            None => Exit::Done,
        }
    }

    fn text(&self, tells_all: bool) -> String {
        let Tally { runs, rested, trouble, .. } = &self.tally;
        let keys = self.desired.keys.len();
        let part =
            if keys > KEYS_IN_A_RUN { format!(", {KEYS_IN_A_RUN} in each run") } else { String::new() };
        let mut text = format!(
            "{} of {}{part}\n",
            counted(usize::try_from(*runs).unwrap_or(usize::MAX), "run"),
            counted(keys, "key")
        );
        let width = trouble.keys().map(String::len).max().unwrap_or(0).max(17);
        // Writing into a String cannot fail.
        if !trouble.is_empty() {
            text.push_str("\ntrouble\n");
        }
        for (kind, number) in trouble {
            let _ = writeln!(text, "  {kind:width$}  {number:>6}");
        }
        text.push_str("\nfound\n");
        for (name, rule) in RULES {
            let number = self.tally.broken(rule);
            if number > 0 || is_always_told(rule) {
                let _ = writeln!(text, "  {name:width$}  {number:>6}");
            }
        }
        let _ = writeln!(text, "  {:width$}  {rested:>6}", "came to rest");
        if let Some(Calls { apply, plan, writes }) = self.calls {
            let _ = writeln!(
                text,
                "\nWithout trouble a first apply of {} takes {apply} calls ({writes} of them write), a plan {plan}.",
                counted(keys, "key")
            );
        }
        let told = self.failed().or_else(|| self.ran.last().filter(|_| tells_all));
        told.into_iter().for_each(|ran| text.push_str(&self.story(ran)));
        text
    }

    fn story(&self, ran: &Ran) -> String {
        let mut text = format!("\nrun {}\n", ran.seed);
        for step in &ran.steps {
            let _ = writeln!(text, "  {}", visible(step));
        }
        for broken in &ran.broken {
            let _ = writeln!(text, "broken: {}: {}", broken.rule.as_str(), visible(&broken.text));
        }
        if !ran.broken.is_empty() {
            let _ = writeln!(text, "replay: {} {}", self.replay, ran.seed);
        }
        text
    }

    fn document(&self) -> Document<'_> {
        let Tally { runs, rested, trouble, .. } = &self.tally;
        let broken = |rule| self.tally.broken(rule);
        Document {
            format: "keycomb.rehearsal/1",
            runs: *runs,
            rested: *rested,
            trouble,
            secrets_lost: broken(Rule::Lost),
            live_unsealed: broken(Rule::Unsealed),
            duplicates: broken(Rule::Duplicate),
            unmanaged_touched: broken(Rule::Touched),
            leaked_bytes: broken(Rule::Leaked),
            records_broken: broken(Rule::Record),
            plans_that_wrote: broken(Rule::Plan),
            not_at_rest: broken(Rule::Rest),
            calls: self.calls.map(|Calls { apply, plan, writes }| CallsView { apply, writes, plan }),
            failed: self.failed().map(|ran| FailedView {
                seed: ran.seed,
                broken: ran
                    .broken
                    .iter()
                    .map(|b| BrokenView { rule: b.rule.as_str(), text: &b.text })
                    .collect(),
                steps: &ran.steps,
                replay: format!("{} {}", self.replay, ran.seed),
            }),
        }
    }
}

const RULES: [(&str, Rule); 8] = [
    ("secrets lost", Rule::Lost),
    ("live unsealed", Rule::Unsealed),
    ("duplicates", Rule::Duplicate),
    ("unmanaged touched", Rule::Touched),
    ("leaked bytes", Rule::Leaked),
    ("records broken", Rule::Record),
    ("plans that wrote", Rule::Plan),
    ("not at rest", Rule::Rest),
];

fn is_always_told(rule: Rule) -> bool {
    !matches!(rule, Rule::Record | Rule::Plan | Rule::Rest)
}

/// `rehearse --format json`
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Rehearsal")]
pub struct Document<'a> {
    /// `keycomb.rehearsal/1`
    format: &'static str,
    /// Runs, up to the first that broke a rule.
    runs: u64,
    /// Those of them that came to rest with no rule broken.
    rested: u64,
    /// How often each kind of trouble happened.
    trouble: &'a BTreeMap<String, u64>,
    /// Keys that keycomb released and whose secret is not in the record.
    secrets_lost: u64,
    /// Keys that worked before their secret was sealed.
    live_unsealed: u64,
    /// Addresses with two keys that work.
    duplicates: u64,
    /// Things written that are not keycomb's, and keys deleted that may be in use.
    unmanaged_touched: u64,
    /// Bytes of secrets in files, reports, plans, errors and logs.
    leaked_bytes: u64,
    /// Sealed files that could not be read again.
    records_broken: u64,
    /// Plans that wrote to the service.
    plans_that_wrote: u64,
    /// What was not as declared at the end.
    not_at_rest: u64,
    /// Requests when nothing goes wrong; null when they were not counted.
    calls: Option<CallsView>,
    /// The first run that broke a rule.
    failed: Option<FailedView<'a>>,
}

/// Requests when nothing goes wrong.
#[derive(Serialize, JsonSchema)]
struct CallsView {
    /// Of a first apply of the whole configuration.
    apply: usize,
    /// Those of them that write.
    writes: usize,
    /// Of a plan after it.
    plan: usize,
}

/// A run that broke a rule.
#[derive(Serialize, JsonSchema)]
struct FailedView<'a> {
    /// What it follows from.
    seed: u64,
    /// What broke.
    broken: Vec<BrokenView<'a>>,
    /// What happened, in order.
    steps: &'a [String],
    /// The command that replays it.
    replay: String,
}

/// A rule that was broken.
#[derive(Serialize, JsonSchema)]
struct BrokenView<'a> {
    /// Which.
    rule: &'static str,
    /// How.
    text: &'a str,
}

#[cfg(test)]
mod tests;
