//! How fast text is searched for secrets: what `keycomb scan` does with every file, and a configuration is put through.

#![allow(clippy::unwrap_used, reason = "a benchmark")]

use divan::{Bencher, counter::BytesCount};
use keycomb::config::find_secrets;

fn main() {
    divan::main();
}

/// Lines like those of a program, of a lock file, and of one long line without an end.
#[divan::bench(args = ["source", "hashes", "one_line"], sample_count = 20)]
fn a_mebibyte(bencher: Bencher<'_, '_>, kind: &str) {
    let line = match kind {
        "source" => {
            "    let endpoint = Endpoint::new(settings.address()).map_err(|error| refused(\"address\", error))?;\n"
        }
        "hashes" => {
            "checksum = \"da39a3ee5e6b4b0d3255bfef95601890afd80709da39a3ee5e6b4b0d3255bfef\" # 550e8400-e29b-41d4\n"
        }
        _ => "{\"name\":\"checkout\",\"id\":\"550e8400-e29b-41d4-a716-446655440000\",\"n\":12},",
    };
    let text = line.repeat((1 << 20) / line.len());
    assert!(find_secrets(&text).is_empty());
    bencher.counter(BytesCount::of_str(&text)).bench(|| find_secrets(&text));
}
