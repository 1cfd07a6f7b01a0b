//! Changes to a configuration, in memory until they are written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use toml_edit::{Array, DocumentMut, Item, Value};

use super::array;
use super::block::Block;
use super::disk::{self, Change, WriteError};
use crate::config::{Loaded, Problems, SourceFile, load, normalize, read};
use crate::model::{Desired, brief, is_visible, toml_string};

/// What a file that keycomb makes begins with.
const HEAD: &str = "# Written by keycomb; yours to change.\n";

/// A configuration as it was read, and what is to be changed in its files.
#[derive(Debug)]
pub struct Edit {
    path: PathBuf,
    folder: PathBuf,
    /// As read: the main file first.
    files: Vec<SourceFile>,
    /// What the main file includes.
    patterns: Vec<String>,
    /// The text to be, by name; of files that are changed or new.
    now: BTreeMap<String, String>,
}

/// A value to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// `true` or `false`
    Bool(bool),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Relative to the main file's folder, with `/` between the parts.
    pub name: String,
    /// Whether it was not there before.
    pub is_new: bool,
}

impl Edit {
    /// Reads the configuration that is to be changed. It must be right as it is.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn open(path: &Path) -> Result<(Self, Loaded), Problems> {
        let (loaded, files, patterns) = read::load_sources(path)?;
        let edit = Self {
            path: path.to_owned(),
            folder: loaded.folder.clone(),
            files,
            patterns,
            now: BTreeMap::new(),
        };
        Ok((edit, loaded))
    }

    /// The main file's name.
    pub fn main(&self) -> &str {
        self.files.first().map_or("", |file| &file.name)
    }

    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.now.is_empty()
    }

    /// The files that are to be written, by name.
    pub fn changes(&self) -> Vec<Written> {
        let is_new = |name: &str| !self.files.iter().any(|file| file.name == name);
        self.now.keys().map(|name| Written { name: name.clone(), is_new: is_new(name) }).collect()
    }

    /// What a file is to have; `None` for one that stays as it is.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.now.get(name).map(String::as_str)
    }

    /// What a file had when it was read; `None` for a new one, or one that is no text.
    pub fn before(&self, name: &str) -> Option<&str> {
        let file = self.files.iter().find(|file| file.name == name)?;
        std::str::from_utf8(&file.text).ok()
    }

    /// A text that stands in a table of a file, with the changes so far; `None` where there is none.
    pub fn written(&self, name: &str, table: &[&str], field: &str) -> Option<String> {
        let document = parse(name, &self.current(name).ok()??).ok()?;
        let mut at = document.as_table() as &dyn toml_edit::TableLike;
        for part in table {
            at = at.get(part)?.as_table_like()?;
        }
        at.get(field)?.as_str().map(str::to_owned)
    }

    /// Adds blocks at the end of a file: one of the configuration, or a new one, which the main file includes from then on.
    ///
    /// `name` is relative to the main file's folder, with `/` between the parts.
    ///
    /// # Errors
    /// [`EditError::Name`], [`EditError::Foreign`], [`EditError::Text`].
    pub fn add(&mut self, name: &str, blocks: &[Block]) -> Result<(), EditError> {
        let name = normal(name)?;
        let mut text = match self.current(&name)? {
            Some(text) => text,
            None => {
                if std::fs::symlink_metadata(self.folder.join(&name)).is_ok() {
                    return Err(EditError::Foreign { name });
                }
                self.include(&name)?;
                HEAD.to_owned()
            }
        };
        let line_end = line_end(&text);
        for block in blocks {
            if !text.is_empty() {
                if !text.ends_with('\n') {
                    text.push_str(line_end);
                }
                text.push_str(line_end);
            }
            text.push_str(&block.text().replace('\n', line_end));
        }
        self.now.insert(name, text);
        Ok(())
    }

    /// Sets a value in a table that a file has, such as `["key", "checkout"]`; the empty path is the file itself.
    /// Everything else stays as it is, comments beside the value too; of a list what stays in it, and its comments.
    ///
    /// # Errors
    /// [`EditError::Text`], and [`EditError::NoTable`] when the file has no such table.
    pub fn set(&mut self, name: &str, table: &[&str], field: &str, value: &Scalar) -> Result<(), EditError> {
        let name = normal(name)?;
        let no_table = || EditError::NoTable { name: name.clone(), table: table.join(".") };
        let text = self.current(&name)?.ok_or_else(no_table)?;
        let mut document = parse(&name, &text)?;
        let mut at = document.as_table_mut() as &mut dyn toml_edit::TableLike;
        for part in table {
            at = at.get_mut(part).and_then(Item::as_table_like_mut).ok_or_else(no_table)?;
        }
        let mut new = match value {
            Scalar::Bool(yes) => Value::from(*yes),
            Scalar::Text(text) => text_value(text),
            Scalar::List(items) => Value::from(items.iter().map(String::as_str).collect::<Array>()),
        };
        match (at.get_mut(field), value) {
            (Some(Item::Value(Value::Array(old))), Scalar::List(items)) => array::change(old, items),
            (Some(Item::Value(old)), _) => {
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            _ => {
                at.insert(field, Item::Value(new));
            }
        }
        self.now.insert(name, printed(&document, &text));
        Ok(())
    }

    /// What the configuration would declare.
    ///
    /// # Errors
    /// Everything that would be wrong with it.
    pub fn preview(&self) -> Result<Desired, Problems> {
        let mut files: BTreeMap<String, Vec<u8>> =
            self.files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
        files.extend(self.now.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())));
        let main = self.main().to_owned();
        let text = files.remove(&main).unwrap_or_default();
        let included = files.into_iter().map(|(name, text)| SourceFile { name, text }).collect();
        normalize::build(SourceFile { name: main, text }, |_, _| included)
    }

    /// Writes the files: each whole, all or none. They are read again, and where that does not give what [`Self::preview`]
    /// said, the old ones are put back.
    ///
    /// # Errors
    /// [`WriteError`]; nothing is changed then.
    pub fn write(self) -> Result<Vec<Written>, WriteError> {
        let wanted = self.preview().map_err(WriteError::Problems)?;
        let written = self.changes();
        let before = |name: &str| {
            let known = self.files.iter().find(|file| file.name == name);
            known.map(|file| file.text.clone())
        };
        let change = |(name, text): (&String, &String)| Change {
            name: name.clone(),
            before: before(name),
            after: text.clone().into_bytes(),
        };
        // The main file last: what it includes is there by then.
        let (main, others): (Vec<_>, Vec<_>) = self.now.iter().partition(|(name, _)| *name == self.main());
        let changes: Vec<Change> = others.into_iter().chain(main).map(change).collect();
        disk::write(&self.folder, &changes, || match load(&self.path) {
            Ok(loaded) if loaded.desired == wanted => Ok(()),
            Ok(_) => Err(WriteError::Otherwise),
            Err(problems) => Err(WriteError::Problems(problems)),
        })?;
        Ok(written)
    }

    /// A file's text with the changes so far; `None` for one that is not of the configuration.
    fn current(&self, name: &str) -> Result<Option<String>, EditError> {
        if let Some(text) = self.now.get(name) {
            return Ok(Some(text.clone()));
        }
        let Some(file) = self.files.iter().find(|file| file.name == name) else { return Ok(None) };
        let text = String::from_utf8(file.text.clone());
        text.map(Some).map_err(|_| EditError::Text { name: name.to_owned() })
    }

    /// Sees to it that the main file includes a new one.
    fn include(&mut self, name: &str) -> Result<(), EditError> {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let includes = |pattern: &String| {
            glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_with(name, options))
        };
        if self.patterns.iter().any(includes) {
            return Ok(());
        }
        let pattern = self.pattern_for(name);
        let main = self.main().to_owned();
        let text = self.current(&main)?.unwrap_or_default();
        let mut document = parse(&main, &text)?;
        let list = document.entry("include").or_insert_with(|| Item::Value(Value::Array(Array::new())));
        let list = list.as_array_mut().ok_or_else(|| EditError::Text { name: main.clone() })?;
        array::push(list, &pattern);
        self.now.insert(main, printed(&document, &text));
        self.patterns.push(pattern);
        Ok(())
    }

    /// All of a folder; only this very file where the folder has others that are not of the configuration.
    fn pattern_for(&self, name: &str) -> String {
        let escaped = glob::Pattern::escape(name);
        let Some((folder, _)) = name.rsplit_once('/') else { return escaped };
        let is_known = |file: &str| {
            let file = format!("{folder}/{file}");
            self.files.iter().any(|known| known.name == file)
        };
        let mut found = std::fs::read_dir(self.folder.join(folder)).into_iter().flatten().flatten();
        let has_others = found.any(|entry| {
            let file = entry.file_name().to_string_lossy().into_owned();
            file.ends_with(".toml") && !file.starts_with('.') && !is_known(&file)
        });
        if has_others { escaped } else { format!("{}/*.toml", glob::Pattern::escape(folder)) }
    }
}

/// What a terminal would obey is escaped, as in blocks.
fn text_value(text: &str) -> Value {
    let escaped = (!is_visible(text)).then(|| toml_string(text).parse().ok()).flatten();
    escaped.unwrap_or_else(|| Value::from(text))
}

fn parse(name: &str, text: &str) -> Result<DocumentMut, EditError> {
    text.parse().map_err(|_: toml_edit::TomlError| EditError::Text { name: name.to_owned() })
}

/// With the byte order mark and the line ends of the text that it came from.
fn printed(document: &DocumentMut, text: &str) -> String {
    let mark = if text.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let plain = document.to_string().replace("\r\n", "\n");
    format!("{mark}{}", plain.trim_start_matches('\u{feff}').replace('\n', line_end(text)))
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// A path below the main file's folder, in the form that `include` finds it under.
fn normal(name: &str) -> Result<String, EditError> {
    let refused = || EditError::Name { name: brief(name).into_owned() };
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let is_plain = |part: &&str| {
        !part.starts_with('.') && !part.contains(['\\', ':']) && !part.chars().any(char::is_control)
    };
    let is_fine = !name.starts_with('/') && name.ends_with(".toml") && parts.iter().all(is_plain);
    if is_fine { Ok(parts.join("/")) } else { Err(refused()) }
}

/// What cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum EditError {
    /// Not the name of a file that a configuration can have.
    #[error("`{name}` cannot be a file of the configuration")]
    #[diagnostic(help(
        "write a name that ends in `.toml`, relative to the configuration's folder and in it, with `/` between its parts \
         and none that begins with a dot"
    ))]
    Name {
        /// What was given, made visible.
        name: String,
    },
    /// A file that nothing includes is in the way.
    #[error("`{name}` is there already, and the configuration does not include it")]
    #[diagnostic(help("name another file, or add this one to `include`"))]
    Foreign {
        /// Relative to the main file's folder.
        name: String,
    },
    /// A file that cannot be changed without losing something of it.
    #[error("`{name}` cannot be changed: it is not written as expected")]
    #[diagnostic(help("run `keycomb check`, and write the change by hand"))]
    Text {
        /// Relative to the main file's folder.
        name: String,
    },
    /// No such table.
    #[error("`{name}` has no table `{table}`")]
    #[diagnostic(help("run `keycomb check`, and write the change by hand"))]
    NoTable {
        /// Relative to the main file's folder.
        name: String,
        /// The path of it.
        table: String,
    },
}
