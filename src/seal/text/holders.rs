//! Riddles for recipients, and former readers, to text.

use super::write::{block, line, quoted};
use crate::model::{Challenge, FormerReader};

pub(super) fn write_challenge(out: &mut String, challenge: &Challenge) {
    let Challenge { name, fingerprint, digest, sealed, answer, proven } = challenge;
    out.push_str("\n[[challenge]]\n");
    line(out, "name", &quoted(name));
    line(out, "fingerprint", &quoted(fingerprint));
    line(out, "digest", &quoted(digest.as_str()));
    line(out, "sealed", &block(sealed));
    if let Some(answer) = answer {
        line(out, "answer", &quoted(answer.as_str()));
    }
    if let Some(proven) = proven {
        line(out, "proven", &quoted(&proven.to_string()));
    }
}

pub(super) fn write_former(out: &mut String, reader: &FormerReader) {
    let FormerReader { id, name, fingerprint } = reader;
    out.push_str("\n[[former]]\n");
    line(out, "id", &quoted(id.as_str()));
    line(out, "name", &quoted(name));
    line(out, "fingerprint", &quoted(fingerprint));
}
