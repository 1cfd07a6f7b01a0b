//! What changed behind keycomb's back: the service against what was last applied, whatever the files now want.

use super::external::external;
use super::findings::{missing, since_last_applied, unmanaged};
use super::header;
use super::index::Index;
use super::input::Input;
use super::order::sort_findings;
use super::unsealed::unsealed;
use super::value::{Finding, FindingKind, Header, Severity, Summary};

/// What `keycomb drift` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// What it was made from.
    pub header: Header,
    /// Sorted as in a plan. Of the kinds unsealed, drift, missing, unfinished, unmanaged and external.
    pub findings: Vec<Finding>,
    /// Counts over `findings`; there are no actions.
    pub summary: Summary,
}

impl Drift {
    /// Whether the service is other than keycomb left it: something managed was changed, or is gone; or an external key
    /// that was tried is not what is declared.
    pub fn is_drifted(&self) -> bool {
        let is_change = |f: &Finding| {
            matches!(f.kind, FindingKind::Drift | FindingKind::Missing | FindingKind::ExternalMismatch)
        };
        self.findings.iter().any(|f| is_change(f) && f.severity > Severity::Note)
    }

    /// Whether a key of ours has no entry in the sealed file (exit 10).
    pub fn is_unsealed(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind == FindingKind::Unsealed)
    }
}

/// Holds the service against what was last applied.
pub fn drift(input: &Input<'_>) -> Drift {
    let index = Index::new(input);
    let mut findings = since_last_applied(&index, &[]);
    findings.extend(unsealed(&index));
    findings.extend(missing(&index, &[]));
    findings.extend(unmanaged(&index, &[]));
    findings.extend(external(input));
    sort_findings(&mut findings);
    let summary = Summary::of(&[], &findings);
    Drift { header: header(input), findings, summary }
}
