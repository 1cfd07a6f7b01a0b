//! Ever shorter forms of one text.

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Rung {
    /// Everything.
    Everything,
    /// What is done and what differs, without the reasons.
    Changes,
    /// A line for each action and finding.
    Lines,
    /// How many, by environment and verb.
    Environments,
    /// How many. Of bounded length, whatever the plan.
    Counts,
}

impl Rung {
    const ALL: &[Self] = &[Self::Everything, Self::Changes, Self::Lines, Self::Environments, Self::Counts];

    /// How many of each group are named among what is to be looked at first.
    pub(super) fn named(self) -> usize {
        match self {
            Self::Everything | Self::Changes => 20,
            Self::Lines => 10,
            Self::Environments => 5,
            Self::Counts => 0,
        }
    }

    /// Whether each action has at least its own line.
    pub(super) fn has_lines(self) -> bool {
        self <= Self::Lines
    }

    /// A paragraph that says what this form leaves out; nothing where that is nothing.
    pub(super) fn left_out(self, whole: &str) -> String {
        let what = match self {
            Self::Everything => return String::new(),
            Self::Changes => "reasons, places in the files and advice",
            Self::Lines => "what differs, reasons, places in the files and advice",
            Self::Environments => {
                "the actions and findings themselves, which are counted by environment and kind"
            }
            Self::Counts => "the actions and findings themselves, which are only counted",
        };
        format!("\n**Shortened to fit.** Not shown: {what}. `{whole}` shows everything.\n")
    }
}

/// Bytes that a line for one action or finding has at least: what cannot fit is not written out first.
const LINE: usize = 20;

/// The longest form, of so many actions and findings, that fits in so many bytes.
pub(super) fn fit(budget: usize, items: usize, render: impl Fn(Rung) -> String) -> String {
    let can_fit = |rung: &Rung| !rung.has_lines() || items.saturating_mul(LINE) <= budget;
    let fitting = Rung::ALL.iter().copied().filter(can_fit).map(&render).find(|text| text.len() <= budget);
    fitting.unwrap_or_else(|| render(Rung::Counts))
}
