//! A key's next 90 days as a strip: which generation works when, and until when one that is off is kept.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::words::days;
use crate::model::Timestamp;
use crate::plan::{LifeStage, Verb};
use crate::render::status::StatusRow;

/// Days that a strip is long, and units that it is wide.
const LONG: i64 = 90;
/// Where the lanes run; generations take turns.
const LANES: [i64; 2] = [4, 10];

/// One generation on the strip.
#[derive(Debug, Clone, Copy)]
struct Span {
    generation: u32,
    /// The days it works, and the day it is deleted.
    works: Option<(i64, i64)>,
    gone: Option<(i64, i64)>,
}

/// The strip; nothing where nothing works and nothing is going to. What it shows is said in words beside it and in the calendar.
pub(super) fn strip(row: &StatusRow, now: Timestamp) -> Markup {
    let spans = spans(row, now);
    let (mut works, mut kept, mut made) = (String::new(), String::new(), String::new());
    for (span, lane) in spans.iter().zip(LANES.iter().cycle()) {
        if let Some((from, to)) = span.works {
            put(&mut works, from, *lane, to);
            if from > 0 {
                // Writing into a String cannot fail.
                let _ = write!(made, "M{from} 1v12");
            }
        }
        if let Some((from, to)) = span.gone {
            put(&mut kept, from, *lane, to);
        }
    }
    html! {
        svg.strip viewBox="0 0 90 14" preserveAspectRatio="none" aria-hidden="true" {
            @if !works.is_empty() { path.w d=(works) {} }
            @if !kept.is_empty() { path.q d=(kept) {} }
            @if !made.is_empty() { path.t d=(made) {} }
        }
    }
}

fn put(path: &mut String, from: i64, lane: i64, to: i64) {
    // Writing into a String cannot fail. What ends today is still to be seen.
    let _ = write!(path, "M{from} {lane}H{}", to.max(from + 1));
}

fn spans(row: &StatusRow, now: Timestamp) -> Vec<Span> {
    let own = row.generation.unwrap_or(1);
    let is_on = matches!(row.phase, LifeStage::Live | LifeStage::Overlap | LifeStage::Late);
    let day = |at| days(now, at).clamp(0, LONG);
    let is_kept = row.phase == LifeStage::Quarantine;
    let first =
        Span { generation: own, works: is_on.then_some((0, LONG)), gone: is_kept.then_some((0, LONG)) };
    let mut spans = vec![first];
    // What is made and not to work is not drawn.
    let is_drawn = |verb| row.more.enabled || !matches!(verb, Verb::Create | Verb::Release);
    for step in row.more.ahead.iter().filter(|step| is_drawn(step.verb)) {
        let at = day(step.at);
        if matches!(step.verb, Verb::Create | Verb::Rotate | Verb::Replace | Verb::Release | Verb::Enable) {
            match spans.iter_mut().find(|span| span.generation == step.generation) {
                Some(span) => span.works = Some((at, LONG)),
                None => spans.push(Span { generation: step.generation, works: Some((at, LONG)), gone: None }),
            }
            continue;
        }
        let Some(span) = spans.iter_mut().find(|span| span.generation == step.generation) else { continue };
        match step.verb {
            Verb::Disable => {
                span.works = span.works.map(|(from, _)| (from, at));
                span.gone = Some((at, LONG));
            }
            Verb::Delete => {
                span.works = span.works.map(|(from, to)| (from, to.min(at)));
                span.gone = span.gone.map(|(from, _)| (from, at));
            }
            _ => {}
        }
    }
    spans
}
