//! 10,000 keys: parsed, planned, rendered.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark")]

use std::fmt::Write as _;

use divan::Bencher;
use keycomb::config::{self, SourceFile};
use keycomb::model::{Desired, Live};
use keycomb::plan::{self, Allow, Input, Plan};
use keycomb::render::{self, Style};

const KEYS: usize = 10_000;

fn main() {
    divan::main();
}

fn text() -> String {
    let mut text = "version = 1\n[honeycomb]\nteam = \"acme\"\n[seal.recipients]\nops = \"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"\n".to_owned();
    for n in 0..10 {
        writeln!(text, "[environment.e{n}]").unwrap();
    }
    for n in 0..KEYS {
        let (kind, permission) =
            if n % 2 == 0 { ("ingest", "create_datasets") } else { ("configuration", "run_queries") };
        writeln!(
            text,
            "[key.k{n}]\nenvironment = \"e{}\"\ntype = \"{kind}\"\nname = \"service {n}\"\npermissions = [\"{permission}\"]",
            n % 10
        )
        .unwrap();
    }
    text
}

fn parse(text: &str) -> Desired {
    config::parse(vec![SourceFile { name: "keycomb.toml".into(), text: text.into() }])
        .expect("the bench's config is right")
}

fn decide(desired: &Desired) -> Plan {
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    let live = Live { environments: vec![], keys: vec![], now };
    plan::plan(&Input {
        desired,
        live: &live,
        sealed: None,
        now,
        allow: Allow::default(),
        ask: Default::default(),
        elsewhere: Default::default(),
    })
}

#[divan::bench]
fn parse_10000_keys(bencher: Bencher<'_, '_>) {
    let text = text();
    bencher.bench(|| parse(&text));
}

#[divan::bench]
fn plan_10000_keys(bencher: Bencher<'_, '_>) {
    let desired = parse(&text());
    bencher.bench(|| decide(&desired));
}

#[divan::bench]
fn render_10000_keys_as_text(bencher: Bencher<'_, '_>) {
    let plan = decide(&parse(&text()));
    let style = Style { color: true, unicode: true, width: 100 };
    bencher.bench(|| render::text::plan(&plan, &style));
}

#[divan::bench]
fn render_10000_keys_as_json(bencher: Bencher<'_, '_>) {
    let plan = decide(&parse(&text()));
    bencher.bench(|| render::json::plan(&plan));
}
