//! Whether the sealed file is committed, and git joins two branches' versions of it.

use std::path::Path;

use super::line::Line;
use crate::cli::git;
use crate::cli::init::{ATTRIBUTE, DRIVER};

const NAME: &str = "git";

/// Asks git, which runs nothing of the repository's own for it.
pub(super) fn look(sealed_path: &Path) -> Line {
    let folder =
        sealed_path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(file) = sealed_path.file_name().and_then(|name| name.to_str()) else {
        return Line::unknown(NAME, "the sealed file's name is no text");
    };
    let Some(inside) = ask(folder, &["rev-parse", "--is-inside-work-tree"]) else {
        return Line::warn(NAME, "there is no `git` to ask", "install git, if the sealed file is kept in it");
    };
    if inside.as_deref().map(str::trim) != Some("true") {
        return Line::warn(
            NAME,
            "the configuration is in no repository",
            "commit the sealed file, or keep it where it outlives this disk: what it holds is not shown again",
        );
    }
    if ask(folder, &["--no-literal-pathspecs", "check-ignore", "-q", "--", file]).flatten().is_some() {
        return Line::warn(
            NAME,
            format!("git ignores `{file}`"),
            "take it out of .gitignore: it is safe to commit, and must last",
        );
    }
    if ask(folder, &["ls-files", "--error-unmatch", "--", file]).flatten().is_none() {
        if !sealed_path.exists() {
            return Line::pass(NAME, "in a repository; there is no sealed file to commit yet");
        }
        return Line::warn(
            NAME,
            format!("`{file}` is not committed"),
            format!("git add {file}, and commit it"),
        );
    }
    let attribute = ask(folder, &["check-attr", "merge", "--", file]).flatten();
    if !attribute.is_some_and(|text| text.trim().ends_with(": keycomb")) {
        return Line::warn(
            NAME,
            format!("`{file}` is committed, and git joins its versions as plain text"),
            format!("add this line to .gitattributes: {ATTRIBUTE}"),
        );
    }
    let driver = ask(folder, &["config", "--get", "merge.keycomb.driver"]).flatten();
    if driver.is_none_or(|text| text.trim().is_empty()) {
        return Line::warn(NAME, "this clone has no merge driver for the sealed file", DRIVER);
    }
    Line::pass(NAME, format!("`{file}` is committed, and git joins its versions with keycomb"))
}

/// What git prints where it succeeds, `Some(None)` where it does not; `None` where there is no git.
fn ask(folder: &Path, arguments: &[&str]) -> Option<Option<String>> {
    let output = git::command(folder)?.args(arguments).output().ok()?;
    Some(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}
