//! One page that stands alone: what a run found, or did, for a person to look at.
//!
//! No script, no font, no picture and no request: it works offline and says so to the browser (Content-Security-Policy). Every
//! text is escaped by the markup's own type, and made harmless first ([`words::shown`]).

mod agenda;
mod change;
mod changes;
mod external;
mod findings;
mod keys;
mod masthead;
mod month;
mod parts;
mod strip;
mod words;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::emit::Sheet;
use crate::plan::Header;
use parts::Part;

/// All of the page's looks. The policy lets in this very text and no other.
const STYLE: &str = include_str!("style.css");

/// The page; `None` where there is neither a plan nor a look for drift. The same sheet gives the same bytes.
pub(super) fn page(sheet: &Sheet<'_>) -> Option<String> {
    let header = sheet.plan.map(|plan| &plan.header).or(sheet.drift.map(|drift| &drift.header))?;
    let parts = parts::all(sheet, header);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head(header, sheet))
            body {
                (masthead::masthead(sheet, header))
                (contents(&parts))
                main { @for part in &parts { (section(part)) } }
                footer { (footer(header)) }
            }
        }
    };
    Some(markup.into_string() + "\n")
}

fn head(header: &Header, sheet: &Sheet<'_>) -> Markup {
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE))
    );
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            meta name="robots" content="noindex";
            title { (header.team) " · keycomb " (masthead::kind(sheet)) }
            // Without it a browser would ask the host for one.
            link rel="icon" href="data:,";
            style { (PreEscaped(STYLE)) }
        }
    }
}

fn contents(parts: &[Part]) -> Markup {
    html! {
        nav aria-label="Contents" {
            @for part in parts {
                a href={ "#" (part.id) } {
                    (part.title)
                    @if let Some(count) = part.count { " " span.n { (count) } }
                }
            }
        }
    }
}

fn section(part: &Part) -> Markup {
    let label = format!("{}-title", part.id);
    html! {
        section id=(part.id) aria-labelledby=(label) {
            h2 id=(label) {
                (part.title)
                @if let Some(count) = part.count { " " span.n { (count) } }
            }
            (part.body)
        }
    }
}

fn footer(header: &Header) -> Markup {
    html! {
        p {
            "Made by keycomb from the service as it was at " (words::instant(header.read))
            ". All times are UTC, by the service’s clock. No secret is in this page, and it asks nobody for anything."
        }
    }
}
