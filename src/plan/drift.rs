//! What changed behind keycomb's back: the service against what was last applied, whatever the files now want.

use super::external::external;
use super::findings::{locate, missing, since_last_applied, unmanaged};
use super::header;
use super::ignore::{ended, idle, sift};
use super::index::Index;
use super::input::Input;
use super::order::sort_findings;
use super::rotations::overdue;
use super::unsealed::unsealed;
use super::value::{Finding, FindingKind, Header, Ignored, Severity, Summary};
use crate::model::DriftClass;

/// What `keycomb drift` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// What it was made from.
    pub header: Header,
    /// Sorted as in a plan. Each has a class, but for a rule that hides nothing.
    pub findings: Vec<Finding>,
    /// What rules of `[[ignore]]` hide, in the same order.
    pub ignored: Vec<Ignored>,
    /// Counts over `findings`, and of `ignored`; there are no actions.
    pub summary: Summary,
}

/// What of drift a run fails on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailOn {
    /// Whatever is of severity high.
    High,
    /// Whatever has a class.
    Any,
    /// Whatever is of this class, however grave.
    Class(DriftClass),
}

impl FailOn {
    fn is_about(self, finding: &Finding) -> bool {
        match self {
            Self::High => finding.severity == Severity::High,
            Self::Any => finding.class().is_some(),
            Self::Class(class) => finding.class() == Some(class),
        }
    }
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

    /// Whether it is what a run is to fail on; nothing named: whether it [is drifted](Self::is_drifted).
    pub fn fails(&self, on: &[FailOn]) -> bool {
        match on {
            [] => self.is_drifted(),
            on => self.findings.iter().any(|finding| on.iter().any(|on| on.is_about(finding))),
        }
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
    findings.extend(overdue(&index));
    findings.extend(external(input));
    sort_findings(&mut findings);
    locate(&mut findings, input.desired);
    let rules = idle(&index, &findings);
    let (mut findings, ignored) = sift(&index, findings);
    findings.extend(ended(&index));
    findings.extend(rules);
    sort_findings(&mut findings);
    let summary = Summary::of(&[], &findings).hiding(ignored.len());
    Drift { header: header(input), findings, ignored, summary }
}
