//! What was found: what changed behind keycomb's back, and what else is worth a look.

use maud::{Markup, html};

use super::change::difference;
use super::words::{prose, severity, shown};
use crate::model::counted;
use crate::plan::{Finding, FindingKind, Severity};

/// What changed at the service since the last apply.
pub(super) fn drift(findings: &[&Finding]) -> Markup {
    if findings.is_empty() {
        return html! { p.empty { "None: what keycomb manages is as it was last applied." } };
    }
    list(findings)
}

/// The others. Those that a team which has just begun has hundreds of are folded.
pub(super) fn others(findings: &[&Finding]) -> Markup {
    let is_many =
        |finding: &&Finding| finding.kind == FindingKind::Unmanaged && finding.severity == Severity::Note;
    let (unmanaged, rest): (Vec<&Finding>, Vec<&Finding>) = findings.iter().copied().partition(is_many);
    html! {
        @if !rest.is_empty() { (list(&rest)) }
        @if !unmanaged.is_empty() {
            details.group open[rest.is_empty() && unmanaged.len() <= 10] {
                summary { h3 { "Not managed " span.n { (unmanaged.len()) } } span.told { (noted(unmanaged.len())) } }
                (list(&unmanaged))
            }
        }
    }
}

fn noted(count: usize) -> String {
    format!("{} at the service that nobody declared; keycomb leaves them alone", counted(count, "thing"))
}

fn list(findings: &[&Finding]) -> Markup {
    html! { ol.acts { @for finding in findings { (item(finding)) } } }
}

fn item(finding: &Finding) -> Markup {
    // The text says who did it, and when.
    let Finding { kind, severity: grave, address, id, text, help, changes, origin: _, editor: _, updated: _ } =
        finding;
    let sign = match grave {
        Severity::Note => "·",
        Severity::Warning => "▲",
        Severity::High => "◆",
    };
    html! {
        li.act {
            p.head {
                span class={ "verb " (severity(*grave)) } {
                    span.sym aria-hidden="true" { (sign) } (grave.as_str())
                }
                " "
                @if let Some(address) = address { code.addr { (address) } " " }
                span.dim { (kind.as_str().replace('_', " ")) }
                @if let Some(id) = id { " " span.src { (shown(id)) } }
            }
            p { (prose(text)) }
            @if !changes.is_empty() { dl.facts { @for change in changes { (difference(change)) } } }
            @if let Some(help) = help { p.help { (prose(help)) } }
        }
    }
}
