//! `keycomb init`: a commented configuration, and an age identity if asked.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use super::args::{Global, Init, Region};
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::place::refuse_unless_regular;
use super::session::from_seal;
use crate::model::{Recipient, TeamSlug, Timestamp};
use crate::seal;

/// Writes the files. Never over one that is there.
///
/// # Errors
/// A file that is there already, a recipient or team that is none (3), a folder that cannot be written (1).
pub fn run(args: &Init, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let team = TeamSlug::new(args.team.clone()).map_err(|error| {
        Failure::words(Exit::Config, format!("`--team`: {error}"), "it is the part after ui.honeycomb.io/")
    })?;
    if global.config.exists() {
        return Err(Failure::words(
            Exit::Config,
            format!("`{}` is there already", global.config.display()),
            "nothing was written; give another path with --config, or edit that file",
        ));
    }
    let folder = global.config.parent().unwrap_or(Path::new(""));
    refuse_unless_regular(&global.config)?;
    for name in [".gitignore", ".gitattributes"] {
        refuse_unless_regular(&folder.join(name))?;
    }
    let mut recipients: Vec<(String, Recipient)> =
        args.recipient.iter().map(|text| parse_recipient(text)).collect::<Result<_, _>>()?;
    if let Some(path) = &args.identity {
        let (public, identity) = seal::generate_identity(Timestamp::now()).map_err(from_seal)?;
        seal::write_new_private(path, &identity).map_err(|error| Failure::new(Exit::Config, error))?;
        output.say(&format!(
            "wrote {} (keep it private, and keep a copy: without it nothing can be opened)",
            path.display()
        ));
        recipients.push(("me".to_owned(), public));
    }
    write_new(&global.config, &template(&team, args.region, &recipients))?;
    output.say(&format!("wrote {}", global.config.display()));
    for (name, lines) in [
        (".gitignore", ignored(folder, args.identity.as_deref())),
        (".gitattributes", vec![ATTRIBUTE.to_owned()]),
    ] {
        let path = folder.join(name);
        if add_lines(&path, &lines)? {
            output.say(&format!("added {} to {}", lines.join(", "), path.display()));
        }
    }
    // The repository's own settings are not ours to change.
    output.say(&format!(
        "run once in each clone, so that git joins the sealed file of two branches:\n  {DRIVER}"
    ));
    output.write(if recipients.is_empty() {
        "next: put a recipient under [seal.recipients], then `keycomb check`\n"
    } else {
        "next: `keycomb check`, then `keycomb plan --sandbox`\n"
    })?;
    Ok(Exit::Done)
}

fn parse_recipient(text: &str) -> Result<(String, Recipient), Failure> {
    let refuse = |why: String| {
        Failure::words(
            Exit::Config,
            format!("`--recipient`: {why}"),
            "give NAME=PUBLIC-KEY, such as ops=age1…",
        )
    };
    let (name, key) = text.split_once('=').ok_or_else(|| refuse("expected NAME=PUBLIC-KEY".to_owned()))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(refuse("a name has only the characters A-Z a-z 0-9 _ -".to_owned()));
    }
    let recipient = key.parse().map_err(|error: crate::model::RecipientError| refuse(error.to_string()))?;
    Ok((name.to_owned(), recipient))
}

fn template(team: &TeamSlug, region: Region, recipients: &[(String, Recipient)]) -> String {
    let region = match region {
        Region::Us => "us",
        Region::Eu => "eu",
    };
    let mut named = String::new();
    for (name, recipient) in recipients {
        // Writing into a String cannot fail.
        let _ = writeln!(named, "{name} = \"{recipient}\"");
    }
    if recipients.is_empty() {
        named.push_str("# ops = \"age1…\"            # from `age-keygen`; or an ssh-ed25519 public key\n");
    }
    TEMPLATE
        .replace("{team}", team.as_str())
        .replace("{region}", region)
        .replace("{recipients}", named.trim_end())
}

/// Which files git hands to the merge driver.
pub(super) const ATTRIBUTE: &str = "*.sealed.toml merge=keycomb";

/// What tells git where the merge driver is.
pub(super) const DRIVER: &str = "git config merge.keycomb.driver 'keycomb secrets merge %O %A %B --path %P'";

const TEMPLATE: &str = include_str!("init.toml");

/// What must not be committed: the sandbox's state, what an apply leaves for the next one, an identity inside the folder.
fn ignored(folder: &Path, identity: Option<&Path>) -> Vec<String> {
    let beside = ["lock", "journal", "new"].map(|suffix| format!("*.sealed.toml.{suffix}"));
    let mut lines = vec![".keycomb/".to_owned()];
    lines.extend(beside);
    // Both are there by now.
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = whole(if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    if let Some(identity) = identity.map(whole)
        && let Ok(inside) = identity.strip_prefix(&folder)
    {
        lines.push(format!("/{}", inside.display()));
    }
    lines
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| {
        Failure::io(
            format!("cannot write `{}`", path.display()),
            "check the folder and its permissions",
            source,
        )
    })
}

/// Adds the lines that a file does not have yet; whether there were any.
fn add_lines(path: &Path, lines: &[String]) -> Result<bool, Failure> {
    let failed =
        |source| Failure::io(format!("cannot write `{}`", path.display()), "add the lines by hand", source);
    let mut text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let missing: Vec<&String> =
        lines.iter().filter(|line| !text.lines().any(|known| known == line.as_str())).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in missing {
        text.push_str(line);
        text.push('\n');
    }
    std::fs::write(path, text).map_err(failed)?;
    Ok(true)
}
