//! Riddles for recipients, and former readers, to text.

use super::write::{block, line};
use crate::model::toml_string;
use crate::model::{Challenge, FormerReader};

pub(super) fn write_challenge(out: &mut String, challenge: &Challenge) {
    let Challenge { name, fingerprint, digest, sealed, answer, proven } = challenge;
    out.push_str("\n[[challenge]]\n");
    line(out, "name", &toml_string(name));
    line(out, "fingerprint", &toml_string(fingerprint));
    line(out, "digest", &toml_string(digest.as_str()));
    line(out, "sealed", &block(sealed));
    if let Some(answer) = answer {
        line(out, "answer", &toml_string(answer.as_str()));
    }
    if let Some(proven) = proven {
        line(out, "proven", &toml_string(&proven.to_string()));
    }
}

pub(super) fn write_former(out: &mut String, reader: &FormerReader) {
    let FormerReader { id, name, fingerprint } = reader;
    out.push_str("\n[[former]]\n");
    line(out, "id", &toml_string(id.as_str()));
    line(out, "name", &toml_string(name));
    line(out, "fingerprint", &toml_string(fingerprint));
}
