//! Bytes to a TOML table: size, encoding, secrets, syntax.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::collector::Collector;
use super::field::Field;
use super::place::Place;
use super::{MAX_FILE_BYTES, SourceFile, secrets};

/// After so many, the rest is most likely a consequence.
const MOST_SYNTAX_ERRORS: usize = 20;

/// Reads one file's table, as far as it can be understood, and says what is wrong with it. Also the file's number.
pub(super) fn read<T: Field>(file: SourceFile, out: &mut Collector) -> (usize, Option<T>) {
    let (number, text) = decode(file, out);
    report_secrets(number, &text, out);
    let (table, errors) = DeTable::parse_recoverable(&text);
    report_syntax(number, &text, &errors, out);
    let value = DeValue::Table(table.into_inner());
    report_escaped_secrets(number, &text, &value, &(0..0), out);
    (number, T::read(&value, Place::new(number, 0..0), out))
}

fn decode(file: SourceFile, out: &mut Collector) -> (usize, Arc<str>) {
    let SourceFile { name, text: bytes } = file;
    let length = bytes.len();
    let refuse = |name: String, out: &mut Collector, message: String, help: &str| {
        let number = out.add_file(name, Arc::from(""));
        out.broken(Place::new(number, 0..0), message).help(help);
        (number, Arc::from(""))
    };
    if length > MAX_FILE_BYTES {
        let message = format!("the file is larger than {MAX_FILE_BYTES} bytes (1 MiB)");
        return refuse(name, out, message, "a configuration is much smaller: is this the right file?");
    }
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text: Arc<str> = text.strip_prefix('\u{feff}').unwrap_or(&text).into();
            (out.add_file(name, Arc::clone(&text)), text)
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let message = format!("the file is not UTF-8: the byte at offset {at} does not fit");
            refuse(name, out, message, "TOML is UTF-8; save the file in that encoding")
        }
    }
}

fn report_secrets(number: usize, text: &str, out: &mut Collector) {
    for (range, kind) in secrets::find(text) {
        report_secret(Place::new(number, range), kind, out);
    }
}

fn report_secret(place: Place, kind: secrets::Kind, out: &mut Collector) {
    out.secret(place, format!("this has the shape of {}", kind.describe()))
        .label("hidden here")
        .help("take it out of the file and revoke it: whoever can read the file, or its history, has it");
}

/// `"hca\u0069k_…"` is a secret too, and none that a search of the text finds.
fn report_escaped_secrets(
    number: usize,
    text: &str,
    value: &DeValue<'_>,
    span: &Range<usize>,
    out: &mut Collector,
) {
    match value {
        DeValue::String(string) => report_if_escaped(number, text, string, span, out),
        DeValue::Array(items) => {
            for item in items.iter() {
                report_escaped_secrets(number, text, item.get_ref(), &item.span(), out);
            }
        }
        DeValue::Table(table) => {
            for (key, item) in table {
                report_if_escaped(number, text, key.get_ref(), &key.span(), out);
                report_escaped_secrets(number, text, item.get_ref(), &item.span(), out);
            }
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

fn report_if_escaped(number: usize, text: &str, string: &str, span: &Range<usize>, out: &mut Collector) {
    if text.get(span.clone()).is_some_and(|raw| raw.contains('\\'))
        && let Some((_, kind)) = secrets::find(string).into_iter().next()
    {
        report_secret(Place::new(number, span.clone()), kind, out);
    }
}

fn report_syntax(number: usize, text: &str, errors: &[toml::de::Error], out: &mut Collector) {
    let mut errors: Vec<(Range<usize>, String)> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            let offending = text.get(span.clone()).unwrap_or_default();
            (span, syntax_message(error.message(), offending))
        })
        .collect();
    errors.sort_by_key(|(span, _)| span.start);
    let all = errors.len();
    for (at, (span, message)) in errors.into_iter().take(MOST_SYNTAX_ERRORS).enumerate() {
        let help = match all.saturating_sub(MOST_SYNTAX_ERRORS) {
            more if more > 0 && at + 1 == MOST_SYNTAX_ERRORS => {
                format!("{more} more like this follow; they may come from this one")
            }
            _ => syntax_help(&message).to_owned(),
        };
        out.broken(Place::new(number, span), message).label("here").help(help);
    }
}

/// The parser's own words, unless they mislead or repeat what is in the file.
fn syntax_message(message: &str, offending: &str) -> String {
    let is_word = offending.starts_with(|c: char| c.is_ascii_alphabetic());
    if message.starts_with("duplicate key") {
        "this name is given twice in this file".to_owned()
    } else if is_word && (message.starts_with("invalid float") || message.starts_with("string values")) {
        // What begins like `inf` and `nan` is taken for a float.
        "this is not TOML: a text without quotes".to_owned()
    } else if offending.len() >= 4 && message.contains(offending.trim()) {
        "this is not TOML".to_owned()
    } else {
        format!("this is not TOML: {message}")
    }
}

fn syntax_help(message: &str) -> &'static str {
    if message.contains("given twice") {
        "keep one of the two, or write the second one's attributes into the first"
    } else if message.contains("quote") || message.contains("string") {
        "texts stand in quotes: `name = \"checkout\"`"
    } else {
        "the format is described at https://toml.io"
    }
}
