//! The top of the page: whose it is, what it comes to in one sentence, and the numbers.

use maud::{Markup, html};

use super::words::{instant, shown};
use crate::model::counted;
use crate::plan::{Action, Drift, FindingKind, Header, LifeStage, Plan, SecretEffect, Severity, Verb};
use crate::render::emit::Sheet;
use crate::render::status::StatusRow;
use crate::report::{Became, Outcome, Report};

/// What kind of run it was.
pub(super) fn kind(sheet: &Sheet<'_>) -> &'static str {
    match (sheet.report, sheet.plan) {
        (Some(_), _) => "apply",
        (None, Some(_)) => "plan",
        (None, None) => "drift",
    }
}

/// The top of the page.
pub(super) fn masthead(sheet: &Sheet<'_>, header: &Header) -> Markup {
    let (tone, sign, verdict) = verdict(sheet);
    html! {
        header.mast {
            p.brand { (comb()) "keycomb " span.kind { (kind(sheet)) } }
            h1 { (header.team) }
            p.sub {
                span { (shown(header.endpoint.as_str())) }
                span { "read " (instant(header.read)) }
                @match &header.sealed {
                    Some((_, serial)) => span { "sealed file at serial " (serial) },
                    None => span { "no sealed file yet" },
                }
            }
            p class={ "verdict " (tone) } { span.sign aria-hidden="true" { (sign) } span { (verdict) } }
            @if header.is_forecast() {
                p.verdict.warn {
                    span.sign aria-hidden="true" { "◷" }
                    span { "A forecast for " (instant(header.now)) ": only the clock is moved, and no apply carries this out." }
                }
            }
            @if header.snapshot {
                p.verdict.warn {
                    span.sign aria-hidden="true" { "◷" }
                    span { "From a snapshot: the service itself was not asked, and no apply carries this out." }
                }
            }
            @if !header.terms.select.is_all() {
                p.verdict.warn {
                    span.sign aria-hidden="true" { "◐" }
                    span { "Partial: " code { (shown(&header.terms.select.options())) } }
                }
            }
            @let lifted = header.terms.allow.words();
            @if !lifted.is_empty() {
                p.verdict.warn {
                    span.sign aria-hidden="true" { "!" }
                    span { "Guards lifted: " @for (i, word) in lifted.iter().enumerate() { @if i > 0 { ", " } code { (word) } } }
                }
            }
            @if sheet.report.is_some_and(|report| report.interrupted) {
                p.verdict.warn {
                    span.sign aria-hidden="true" { "!" }
                    span { "Interrupted: what was in flight was finished, nothing else was begun." }
                }
            }
            @if let Some((report, why)) = sheet.report.and_then(|report| Some((report, report.unfolded.as_deref()?))) {
                p.verdict.bad {
                    span.sign aria-hidden="true" { "!" }
                    span { "The sealed file could not be replaced: " (shown(why)) "; " (report.unfolded_help()) "." }
                }
            }
            dl.tiles { @for tile in tiles(sheet, header) { (tile.markup()) } }
        }
    }
}

/// A cell of a comb.
fn comb() -> Markup {
    html! {
        svg.comb viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" {
            path d="M12 1.5 21 6.75v10.5L12 22.5 3 17.25V6.75z" {}
            circle cx="12" cy="10.4" r="2.6" {}
            path.hole d="M10.9 12.4h2.2l.9 4.6h-4z" {}
        }
    }
}

/// The tone, a sign for those who do not see it, and the sentence.
fn verdict(sheet: &Sheet<'_>) -> (&'static str, &'static str, String) {
    match (sheet.report, sheet.plan, sheet.drift) {
        (Some(report), plan, _) => applied(report, plan),
        (None, Some(plan), _) => planned(plan),
        (None, None, Some(drift)) => drifted(drift),
        (None, None, None) => ("calm", "–", String::new()),
    }
}

fn applied(report: &Report, plan: Option<&Plan>) -> (&'static str, &'static str, String) {
    let (done, failed, not_started, in_doubt) = report.counts();
    let (staged, left) = report.staged();
    let blocked = plan.map_or(0, |plan| plan.summary.blocked);
    let counts = [
        (done, "done"),
        (staged, "staged"),
        (failed, "failed"),
        (in_doubt, "in doubt"),
        (not_started, "not started"),
        (left, "left for later"),
        (blocked, "blocked"),
    ];
    let told: Vec<String> =
        counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    match (failed + in_doubt + not_started + blocked, told.is_empty()) {
        (0, true) => ("good", "✓", "There was nothing to do.".to_owned()),
        (0, false) => ("good", "✓", format!("Applied: {}.", told.join(", "))),
        (_, _) => ("bad", "!", format!("Not all of it: {}.", told.join(", "))),
    }
}

fn planned(plan: &Plan) -> (&'static str, &'static str, String) {
    let summary = &plan.summary;
    if plan.is_unsealed() {
        return ("bad", "!", "A key has no entry in the sealed file: its secret may be lost.".to_owned());
    }
    if plan.is_guarded() && plan.is_empty() {
        let text = "Refused: the service has what nobody declared, and the policy says unmanaged = \"fail\".";
        return ("bad", "!", text.to_owned());
    }
    let changes = match summary.changes {
        0 => "Nothing to do".to_owned(),
        changes => counted(changes, "change"),
    };
    match (plan.is_empty(), summary.blocked) {
        (true, _) => ("good", "✓", "No changes: the service is as declared.".to_owned()),
        (false, 0) => {
            let verbs = summary.verbs.iter().filter(|(verb, n)| *verb != Verb::Blocked && *n > 0);
            let verbs: Vec<String> = verbs.map(|(verb, n)| format!("{n} to {}", verb.as_str())).collect();
            ("calm", "→", format!("{changes}: {}.", verbs.join(", ")))
        }
        (false, blocked) => ("bad", "!", format!("{changes}, {blocked} blocked.")),
    }
}

fn drifted(drift: &Drift) -> (&'static str, &'static str, String) {
    if drift.is_unsealed() {
        return ("bad", "!", "A key has no entry in the sealed file: its secret may be lost.".to_owned());
    }
    if drift.is_drifted() {
        return ("warn", "!", "The service is not as keycomb left it.".to_owned());
    }
    ("good", "✓", "No drift: what keycomb manages is as it was last applied.".to_owned())
}

/// A number with its name.
struct Tile {
    number: usize,
    name: &'static str,
    /// How it looks when it is not zero.
    tone: &'static str,
}

impl Tile {
    fn markup(&self) -> Markup {
        let tone = if self.number == 0 { "none" } else { self.tone };
        html! { div class={ "tile " (tone) } { dt { (self.name) } dd { (self.number) } } }
    }
}

/// How many secrets were issued and are sealed.
fn sealed(sheet: &Sheet<'_>, report: &Report) -> usize {
    let actions = sheet.plan.map(|plan| plan.actions.as_slice()).unwrap_or_default();
    let is_sealed = |(action, outcome): &(&Action, &Outcome)| {
        matches!(action.secret, SecretEffect::Issued { .. })
            && action.address == outcome.address
            && matches!(outcome.became, Became::Done { .. } | Became::Staged { .. })
    };
    actions.iter().zip(&report.outcomes).filter(is_sealed).count()
}

fn tiles(sheet: &Sheet<'_>, header: &Header) -> Vec<Tile> {
    let tile = |number, name, tone| Tile { number, name, tone };
    let mut tiles = vec![];
    if let Some(report) = sheet.report {
        let (done, failed, not_started, in_doubt) = report.counts();
        let (staged, _) = report.staged();
        tiles.extend([
            tile(done + staged, "done", "good"),
            tile(failed, "failed", "bad"),
            tile(in_doubt, "in doubt", "warn"),
            tile(not_started, "not started", "warn"),
            tile(sealed(sheet, report), "secrets sealed", "good"),
        ]);
    } else if let Some(plan) = sheet.plan {
        let summary = &plan.summary;
        tiles.extend([
            tile(summary.changes, "changes", "calm"),
            tile(summary.issued, "secrets issued", "good"),
            tile(summary.stopping, "keys stop working", "bad"),
            tile(summary.irreversible, "cannot be undone", "bad"),
        ]);
    }
    if let Some(drift) = sheet.drift {
        let is_changed =
            |kind| matches!(kind, FindingKind::Drift | FindingKind::Missing | FindingKind::Unsealed);
        let drifted = drift.findings.iter().filter(|f| is_changed(f.kind)).count();
        tiles.push(tile(drifted, "drifted", "warn"));
    }
    if !sheet.keys.is_empty() {
        let works = |row: &&StatusRow| matches!(row.phase, LifeStage::Live | LifeStage::Overlap);
        let soon = crate::model::Period::days(30).after(header.now);
        let is_soon = |row: &&StatusRow| row.more.ahead.first().is_some_and(|step| step.at <= soon);
        tiles.push(tile(sheet.keys.iter().filter(works).count(), "keys work", "calm"));
        tiles.push(tile(sheet.keys.iter().filter(is_soon).count(), "due in 30 days", "calm"));
    }
    let overdue = sheet.external.iter().filter(|row| row.severity == Some(Severity::High)).count();
    if overdue > 0 {
        tiles.push(tile(overdue, "external keys overdue", "bad"));
    }
    tiles
}
