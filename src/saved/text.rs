//! A saved plan to its one text, and back.
//!
//! The text is pretty JSON whose last member is the SHA-256 of all before it. What is read is written again and compared:
//! there is one text for each plan, and no other is taken.

use miette::Diagnostic;

use super::shown::is_counted;
use super::value::{FORMAT, Saved};
use crate::model::{PlanDigest, digest_of, document};

const FAMILY: &str = "keycomb.saved_plan/";
const HEAD: &str = "{\n  \"format\": \"";
const MARK: &str = ",\n  \"digest\": \"";
const END: &str = "\"\n}\n";

/// The text of a saved plan. Same plan, same bytes.
pub fn write(saved: &Saved) -> String {
    let whole = document(saved);
    let body = whole.strip_suffix("\n}\n").unwrap_or(&whole);
    format!("{body}{MARK}{}{END}", digest_of(body))
}

/// Reads a saved plan, and its digest.
///
/// # Errors
/// Anything that is not byte for byte what [`write()`] wrote. Nothing of the text is repeated.
pub fn parse(text: &str) -> Result<(Saved, PlanDigest), Unreadable> {
    let form = text.strip_prefix(HEAD).and_then(|rest| rest.split('"').next()).ok_or(Unreadable::Foreign)?;
    if form != FORMAT {
        let number = form.strip_prefix(FAMILY).ok_or(Unreadable::Foreign)?;
        let is_newer = number.parse::<u32>().is_ok_and(|number| number > 1);
        return Err(if is_newer { Unreadable::Newer } else { Unreadable::Foreign });
    }
    let (body, rest) = text.rsplit_once(MARK).ok_or(Unreadable::Damaged)?;
    let digest = rest.strip_suffix(END).and_then(PlanDigest::parse).ok_or(Unreadable::Damaged)?;
    if digest_of(body) != digest {
        return Err(Unreadable::Damaged);
    }
    let saved: Saved = serde_json::from_str(&format!("{body}\n}}\n")).map_err(|_| Unreadable::Form)?;
    if write(&saved) != text {
        return Err(Unreadable::Form);
    }
    let header = &saved.plan.header;
    let sealed = saved.sealed.as_ref().map(|sealed| (&sealed.lineage, sealed.serial));
    let of_header = header.sealed.as_ref().map(|(lineage, serial)| (lineage, *serial));
    let is_whole = saved.intent == saved.plan.intent()
        && is_counted(&saved.plan)
        && sealed == of_header.filter(|(_, serial)| *serial > 0)
        && saved.made == header.read
        && saved.may_be_applied == header.may_be_applied()
        && saved.team == header.team
        && saved.endpoint == header.endpoint
        && saved.made <= saved.valid_until;
    if is_whole { Ok((saved, digest)) } else { Err(Unreadable::Contradictory) }
}

/// Why a text is no saved plan. Never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum Unreadable {
    /// Something else, or cut off at its beginning.
    #[error("it is no saved plan")]
    #[diagnostic(help("`keycomb plan --out FILE` writes one"))]
    Foreign,
    /// Written by a newer keycomb.
    #[error("its format is newer than this keycomb knows")]
    #[diagnostic(help("use the keycomb that made it, or plan again with this one"))]
    Newer,
    /// Bytes were changed after it was written.
    #[error("it was changed or cut off after it was written: its digest does not hold")]
    #[diagnostic(help("make it again with `keycomb plan --out FILE`; nothing in it may be edited"))]
    Damaged,
    /// Its digest holds, and this keycomb would have written other bytes.
    #[error("it was not written by this keycomb in this form")]
    #[diagnostic(help("plan and apply with the same version of keycomb: `keycomb plan --out FILE`"))]
    Form,
    /// Its parts do not belong together.
    #[error("its parts contradict each other")]
    #[diagnostic(help("make it again with `keycomb plan --out FILE`; nothing in it may be edited"))]
    Contradictory,
}
