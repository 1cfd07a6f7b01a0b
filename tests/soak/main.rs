//! The soak: configurations through seeded random trouble, thousands of times if asked to.
//!
//! `KEYCOMB_SOAK_SEEDS=10000 cargo test --release --test soak -- --nocapture` is the large run; `KEYCOMB_SOAK_SEED=K`
//! replays one seed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "test code"
)]

mod configurations;

use keycomb::config::{SourceFile, parse};
use keycomb::model::Desired;
use keycomb::rehearse::{Ran, Rehearsal, Rule, Tally};

/// What fits in about a minute and a half on two cores, unoptimized.
const ORDINARY: u64 = 400;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

fn declared(text: &str) -> Desired {
    let recipient = || keycomb::seal::generate_identity(keycomb::model::Timestamp::UNIX_EPOCH).unwrap().0;
    let head = format!(
        "version = 1\n[honeycomb]\nteam = \"acme\"\n[seal.recipients]\nops = \"{}\"\nspare = \"{}\"\n",
        recipient(),
        recipient()
    );
    let file = SourceFile { name: "keycomb.toml".into(), text: format!("{head}{text}").into_bytes() };
    parse(vec![file]).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// What a failing run says: the seed, what broke, the steps, the command that replays it.
fn told(name: &str, ran: &Ran) -> String {
    let broken: Vec<String> = ran.broken.iter().map(|b| format!("{}: {}", b.rule.as_str(), b.text)).collect();
    format!(
        "{name}, seed {}:\n  {}\n{}\nreplay: KEYCOMB_SOAK_SEED={} cargo test --test soak -- --nocapture {name}\n",
        ran.seed,
        broken.join("\n  "),
        ran.steps.join("\n"),
        ran.seed
    )
}

fn soak(name: &str, text: &str) {
    let rehearsal = Rehearsal::new(&declared(text)).unwrap();
    let seeds = number("KEYCOMB_SOAK_SEEDS").unwrap_or(ORDINARY).div_ceil(5);
    let (first, last) = number("KEYCOMB_SOAK_SEED").map_or((0, seeds), |seed| (seed, seed + 1));
    let most = number("KEYCOMB_SOAK_FAILURES").unwrap_or(3);
    let (mut tally, mut failures) = (Tally::default(), vec![]);
    for seed in first..last {
        let ran = rehearsal.run(seed).unwrap();
        tally.add(&ran);
        if !ran.broken.is_empty() {
            failures.push(told(name, &ran));
        }
        if failures.len() as u64 >= most {
            break;
        }
    }
    println!("{name}: {} runs, {} came to rest", tally.runs, tally.rested);
    for rule in [Rule::Lost, Rule::Unsealed, Rule::Duplicate, Rule::Touched, Rule::Leaked] {
        println!("  {}: {}", rule.as_str(), tally.broken(rule));
    }
    println!("  {:?}", tally.trouble);
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn one_key_of_each_type() {
    soak("one_key_of_each_type", configurations::SMALL);
}

#[test]
fn several_environments() {
    soak("several_environments", configurations::SEVERAL);
}

#[test]
fn environments_of_others() {
    soak("environments_of_others", configurations::REFERENCES);
}

#[test]
fn more_keys_than_one_run_is_about() {
    soak("more_keys_than_one_run_is_about", &configurations::many());
}

#[test]
fn rotated_every_few_days() {
    soak("rotated_every_few_days", configurations::ROTATED);
}
