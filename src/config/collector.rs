//! Gathers what is wrong, and makes it presentable at the end: sorted, without secrets, without consequential errors.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::place::Place;
use super::problem::{Elsewhere, Excerpt, Problem, Problems};
use super::secrets;
use super::shown::{Lines, Shown};
use crate::model::{Origin, visible};

/// The files read so far and what is wrong with them.
#[derive(Default)]
pub(super) struct Collector {
    sources: Vec<Source>,
    drafts: Vec<Draft>,
}

struct Source {
    name: String,
    text: Arc<str>,
    lines: Lines,
    /// What must not be shown.
    secrets: Vec<Range<usize>>,
    /// Not, or not wholly, understood: what seems to be missing may be in it.
    is_broken: bool,
}

/// What a problem follows from, which decides when it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// The file itself: unreadable, no TOML. Always told.
    File,
    /// A secret. Always told, instead of anything else about its text.
    Secret,
    /// A value. Not told on a line that is no TOML.
    Value,
    /// Something is not in this file. Not told of a broken file.
    Missing,
    /// Something is in no file. Not told when any file is broken.
    Reference,
}

/// A problem on its way: `what` says it; the other parts are added where there are any.
pub(super) struct Draft {
    sort: Sort,
    place: Place,
    message: String,
    label: String,
    help: Option<String>,
    also: Option<(Place, String)>,
}

impl Draft {
    pub(super) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn also(&mut self, place: Place, message: impl Into<String>) -> &mut Self {
        self.also = Some((place, message.into()));
        self
    }
}

impl Collector {
    /// Adds a file; its number.
    pub(super) fn add_file(&mut self, name: String, text: Arc<str>) -> usize {
        let lines = Lines::new(&text);
        self.sources.push(Source { name, text, lines, secrets: vec![], is_broken: false });
        self.sources.len() - 1
    }

    /// Whether a file of that name is among those read; where case makes no difference to the disk, it would be.
    pub(super) fn has_file(&self, name: &str) -> bool {
        self.sources.iter().any(|source| source.name.eq_ignore_ascii_case(name))
    }

    /// Where a place is, for whoever reads the plan.
    pub(super) fn origin(&self, place: Place) -> Origin {
        let Some(source) = self.sources.get(place.file) else {
            return Origin { file: String::new(), line: 1, column: 1 };
        };
        let (line, column) = source.lines.position(&source.text, place.start);
        Origin { file: source.name.clone(), line, column }
    }

    /// A wrong value.
    pub(super) fn wrong(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Sort::Value, place, message.into())
    }

    /// Something that should be in this file, at or near this place.
    pub(super) fn missing(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Sort::Missing, place, message.into())
    }

    /// A name that nothing bears.
    pub(super) fn unresolved(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Sort::Reference, place, message.into())
    }

    /// A file that is not understood at this place.
    pub(super) fn broken(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        if let Some(source) = self.sources.get_mut(place.file) {
            source.is_broken = true;
        }
        self.add(Sort::File, place, message.into())
    }

    /// Text that must not be repeated. Whatever else is said about it is left out.
    pub(super) fn secret(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        if let Some(source) = self.sources.get_mut(place.file) {
            source.secrets.push(place.start..place.end);
        }
        self.add(Sort::Secret, place, message.into())
    }

    fn add(&mut self, sort: Sort, place: Place, message: String) -> &mut Draft {
        let at = self.drafts.len();
        self.drafts.push(Draft { sort, place, message, label: String::new(), help: None, also: None });
        #[expect(clippy::expect_used, reason = "it was pushed in the line above")]
        self.drafts.get_mut(at).expect("a draft")
    }

    /// Forgets what was said about values; what is no TOML or a secret stays.
    pub(super) fn drop_values(&mut self) {
        self.drafts.retain(|draft| matches!(draft.sort, Sort::File | Sort::Secret));
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.drafts.is_empty()
    }

    /// Whether some file is not understood: no TOML, or no text.
    pub(super) fn is_broken(&self) -> bool {
        self.sources.iter().any(|source| source.is_broken)
    }

    /// All that is wrong.
    pub(super) fn into_problems(mut self) -> Problems {
        let mut drafts = std::mem::take(&mut self.drafts);
        let broken_lines = self.broken_lines(&drafts);
        drafts.retain(|draft| self.is_told(draft, &broken_lines));
        drafts.sort_by(|a, b| position(a).cmp(&position(b)).then_with(|| a.message.cmp(&b.message)));
        drafts.dedup_by(|a, b| a.place == b.place && a.message == b.message);
        let shown: Vec<Arc<Shown>> = self.sources.iter_mut().map(Source::show).collect();
        let view = View { shown, sources: &self.sources };
        Problems::new(drafts.into_iter().map(|draft| view.problem(draft)).collect())
    }

    /// (file, line) of what is no TOML. After a broken table header, what follows it is in the wrong table.
    fn broken_lines(&self, drafts: &[Draft]) -> HashSet<(usize, usize)> {
        let mut broken = HashSet::new();
        for draft in drafts.iter().filter(|draft| draft.sort == Sort::File) {
            let file = draft.place.file;
            let line = self.origin(draft.place).line;
            broken.insert((file, line));
            let text = self.sources.get(file).map_or("", |source| &source.text);
            let mut lines = text.lines().enumerate().skip(line - 1);
            let is_header = |text: &str| text.trim_start().starts_with('[');
            if lines.next().is_some_and(|(_, text)| is_header(text)) {
                broken.extend(lines.take_while(|(_, text)| !is_header(text)).map(|(at, _)| (file, at + 1)));
            }
        }
        broken
    }

    /// Whether a draft is more than a consequence of another one.
    fn is_told(&self, draft: &Draft, broken_lines: &HashSet<(usize, usize)>) -> bool {
        let is_broken = |source: &Source| source.is_broken;
        let is_news = match draft.sort {
            Sort::Secret => return true,
            Sort::File => true,
            Sort::Missing => !self.sources.get(draft.place.file).is_some_and(is_broken),
            Sort::Reference => !self.sources.iter().any(is_broken),
            Sort::Value => {
                broken_lines.is_empty()
                    || !broken_lines.contains(&(draft.place.file, self.origin(draft.place).line))
            }
        };
        is_news && !self.is_in_secret(draft.place)
    }

    fn is_in_secret(&self, place: Place) -> bool {
        let overlaps = |secret: &Range<usize>| secret.start < place.end && place.start < secret.end;
        self.sources.get(place.file).is_some_and(|source| source.secrets.iter().any(overlaps))
    }
}

impl Source {
    fn show(&mut self) -> Arc<Shown> {
        self.secrets.sort_by_key(|range| range.start);
        Arc::new(Shown::new(&self.name, &self.text, &self.secrets))
    }
}

fn position(draft: &Draft) -> (usize, usize, usize) {
    (draft.place.file, draft.place.start, draft.place.end)
}

struct View<'a> {
    shown: Vec<Arc<Shown>>,
    sources: &'a [Source],
}

impl View<'_> {
    fn problem(&self, draft: Draft) -> Problem {
        let Draft { sort, place, message, label, help, also } = draft;
        let (file, line, column) = self.position(place);
        let also = also.map(|(place, message)| {
            let (file, line, column) = self.position(place);
            let excerpt = self.excerpt(place, &message);
            Elsewhere { file, line, column, message: presentable(&message), excerpt }
        });
        // A place without extent in an unbroken file is the file itself: there is nothing to point at.
        let is_whole_file = place.start == place.end && (sort != Sort::File || place.start == 0);
        let excerpt = if is_whole_file { None } else { self.excerpt(place, &label) };
        let help = help.as_deref().map(presentable);
        Problem { file, line, column, message: presentable(&message), help, also, excerpt }
    }

    fn position(&self, place: Place) -> (String, usize, usize) {
        let name = self.sources.get(place.file).map(|source| presentable(&source.name)).unwrap_or_default();
        let (line, column) = self.shown.get(place.file).map_or((1, 1), |shown| shown.position(place.start));
        (name, line, column)
    }

    fn excerpt(&self, place: Place, label: &str) -> Option<Excerpt> {
        let shown = self.shown.get(place.file)?;
        let span = shown.excerpt(place.start..place.end)?;
        Some(Excerpt { shown: Arc::clone(shown), span, label: presentable(label) })
    }
}

/// The one gate for words: values quoted in them may be hostile, or a secret that no rule saw in the file's own text.
fn presentable(text: &str) -> String {
    visible(&secrets::mask(text)).into_owned()
}
