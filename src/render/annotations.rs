//! Commands that GitHub's runner turns into marks on lines of the configuration.
//!
//! The form: `::error file=F,line=L,col=C,title=T::MESSAGE` (docs.github.com, "Workflow commands for GitHub Actions").

use std::fmt::Write as _;

use super::command::{data, property};
use super::emit::Subject;
use super::matter::{Level, Matter, Spot, matters};
use crate::model::cut;

/// The runner shows no more of one level of a step.
const PER_LEVEL: usize = 10;
/// Characters of a message at most.
const LONGEST: usize = 1_000;

/// A command a line, the worst first; of a level at most ten, of which the last says how many more there are. Never empty.
pub(super) fn annotations(subject: &Subject<'_>, config: &str) -> String {
    let matters = matters(subject);
    let mut lines = String::new();
    for level in Level::ALL {
        let of_level: Vec<&Matter<'_>> = matters.iter().filter(|matter| matter.level == *level).collect();
        let shown = if of_level.len() > PER_LEVEL { PER_LEVEL - 1 } else { of_level.len() };
        for matter in of_level.iter().take(shown) {
            put(&mut lines, *level, &Spot::of(config, matter.origin), &title(matter), &message(matter));
        }
        let more = of_level.len() - shown;
        if more > 0 {
            let text = format!("{more} more of this level are not shown; `--emit markdown` has them all");
            let title = format!("keycomb {}", subject.run().as_str());
            put(&mut lines, *level, &Spot::of(config, None), &title, &text);
        }
    }
    if matters.is_empty() {
        let text = match subject {
            Subject::Plan(_) => "no changes: the service is as declared",
            Subject::Drift(_) => "no drift: what keycomb manages is as it was last applied",
            Subject::Apply(..) => "nothing to do: the service is as declared",
        };
        let title = format!("keycomb {}", subject.run().as_str());
        put(&mut lines, Level::Note, &Spot::of(config, None), &title, text);
    }
    lines
}

fn title(matter: &Matter<'_>) -> String {
    match matter.address {
        Some(address) => format!("{} {address}", matter.rule),
        None => matter.rule.clone(),
    }
}

fn message(matter: &Matter<'_>) -> String {
    let text = cut(&matter.text, LONGEST);
    match matter.help {
        Some(help) => format!("{text}. {}", cut(help, LONGEST)),
        None => text.into_owned(),
    }
}

fn put(lines: &mut String, level: Level, spot: &Spot, title: &str, message: &str) {
    let command = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let Spot { file, line, column } = spot;
    let (file, title) = (property(&cut(file, LONGEST)), property(&cut(title, LONGEST)));
    // Writing into a String cannot fail.
    let _ = writeln!(
        lines,
        "::{command} file={file},line={line},col={column},title={title}::{}",
        data(&cut(message, 3 * LONGEST))
    );
}
