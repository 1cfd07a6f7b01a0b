//! The sealed file's text: what is read is written back the same, and nothing in it is dropped or guessed.

use keycomb::model::Sealed;
use keycomb::seal::text::{parse, write};

use super::oracle::assert_line;

/// Seeds and the dictionary have it where an error could quote the file.
pub const CANARY: &str = "s3cr3t9canary7";

/// The input is the file.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse(text) {
        Ok(sealed) => assert_kept(text, &sealed),
        Err(problem) => {
            let shown = problem.to_string();
            assert_line(&shown);
            // Addresses and ids that parse are the only words of the file.
            let is_named = shown.contains('`');
            assert!(shown.len() <= 400 && (is_named || !shown.contains(CANARY)), "{shown}");
        }
    }
}

fn assert_kept(text: &str, sealed: &Sealed) {
    let written = write(sealed);
    let back = parse(&written).unwrap_or_else(|problem| panic!("{problem}\n{written}"));
    assert_eq!(&back, sealed, "{written}");
    assert_eq!(write(&back), written, "the second time other bytes");
    written.lines().for_each(assert_line);

    let mut shuffled = sealed.clone();
    shuffled.keys.reverse();
    shuffled.environments.reverse();
    shuffled.intents.reverse();
    assert_eq!(write(&shuffled), written, "the order of the lists shows");

    let count = entries(text);
    assert_eq!(count, [sealed.environments.len(), sealed.keys.len(), sealed.intents.len()]);
}

/// How many entries TOML itself sees.
fn entries(text: &str) -> [usize; 3] {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table: toml::Table = toml::from_str(text).expect("it was read as TOML");
    ["environment", "key", "intent"]
        .map(|name| table.get(name).and_then(toml::Value::as_array).map_or(0, Vec::len))
}
