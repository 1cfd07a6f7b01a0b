//! What a CI runner makes of the lines it is given: folding of what is long, and notes on lines of the configuration.
//!
//! Without a runner's variable nothing of this is written. Texts of others cannot begin or end a fold: they have no escape
//! characters and no pair of colons ([`visible`]).

use std::path::Path;

use crate::config::Problem;
use crate::model::{Timestamp, visible};
use crate::render::command::{data, property};

/// GitHub shows no more of each level in one step.
const MOST: usize = 10;

/// Whose log this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ci {
    /// Nobody's that folds.
    None,
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
}

impl Ci {
    /// As the runner's own variable says.
    pub fn detect(is_set: impl Fn(&str) -> bool) -> Self {
        if is_set("GITHUB_ACTIONS") {
            Self::GitHub
        } else if is_set("GITLAB_CI") {
            Self::GitLab
        } else {
            Self::None
        }
    }

    /// A text that is folded under its title; where nothing folds the text alone. `name`: plain letters.
    pub fn folded(self, name: &str, title: &str, text: &str, now: Timestamp) -> String {
        let text = text.trim_end();
        let title = visible(title);
        let second = now.as_second();
        match self {
            Self::None => format!("{text}\n"),
            Self::GitHub => format!("::group::{title}\n{text}\n::endgroup::\n"),
            Self::GitLab => format!(
                "\u{1b}[0Ksection_start:{second}:keycomb_{name}[collapsed=true]\r\u{1b}[0K{title}\n{text}\n\
                 \u{1b}[0Ksection_end:{second}:keycomb_{name}\r\u{1b}[0K\n"
            ),
        }
    }

    /// Notes on the lines with the first problems; `folder`: the configuration's, from the repository's root.
    pub fn annotations(self, problems: &[Problem], folder: &Path) -> Vec<String> {
        if self != Self::GitHub {
            return Vec::new();
        }
        let note = |problem: &Problem| {
            let file = folder.join(&problem.file);
            format!(
                "::error file={},line={},col={}::{}",
                property(&file.to_string_lossy()),
                problem.line,
                problem.column,
                data(&problem.message)
            )
        };
        problems.iter().take(MOST).map(note).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, SourceFile};

    #[test]
    fn a_fold_is_the_runners_own_and_nothing_is_added_elsewhere() {
        let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let folded = |ci: Ci| ci.folded("plan", "Plan: 2 to create", "a\n  b\n\n", now);
        assert_eq!(folded(Ci::None), "a\n  b\n");
        assert_eq!(folded(Ci::GitHub), "::group::Plan: 2 to create\na\n  b\n::endgroup::\n");
        assert_eq!(
            folded(Ci::GitLab),
            "\u{1b}[0Ksection_start:1772352000:keycomb_plan[collapsed=true]\r\u{1b}[0KPlan: 2 to create\na\n  b\n\
             \u{1b}[0Ksection_end:1772352000:keycomb_plan\r\u{1b}[0K\n"
        );
        let set = |name: &'static str| Ci::detect(move |known| known == name);
        assert_eq!(set("GITHUB_ACTIONS"), Ci::GitHub);
        assert_eq!(set("GITLAB_CI"), Ci::GitLab);
        assert_eq!(set("CI"), Ci::None);
    }

    #[test]
    fn a_problem_is_noted_on_its_line_and_its_words_are_no_command() {
        let text = "version = 1\n[honeycomb]\nteam = \"acme\"\n\"x%0A::warning::y,z\" = 1\n";
        let file = SourceFile { name: "a,b:c.toml".into(), text: text.into() };
        let problems = config::parse(vec![file]).unwrap_err();
        let notes = Ci::GitHub.annotations(problems.list(), Path::new("deploy"));
        assert!(!notes.is_empty() && notes.len() == problems.list().len());
        for note in &notes {
            assert!(note.starts_with("::error file=deploy/a%2Cb%3Ac.toml,line="), "{note}");
            assert!(note.lines().count() == 1 && note.matches("::").count() == 2, "{note}");
            assert!(!note.contains("%0A"), "{note}");
        }
        assert!(Ci::GitLab.annotations(problems.list(), Path::new("")).is_empty());
    }
}
