//! Whatever is thrown at it, it answers in words.

use keycomb::config::parse;
use proptest::prelude::*;

use crate::support::{file, head, main_file, render};

/// Pieces that get past the syntax more often than letters do.
fn toml_like() -> impl Strategy<Value = String> {
    let pieces = [
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        ",",
        "\n",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "#",
        " ",
        "\\",
        "\\u00e9",
        "é",
        "\u{1b}",
        "\u{202e}",
        "\r",
        "\t",
        "1",
        "-1",
        "1e9",
        "true",
        "1979-05-27",
        "key",
        "environment",
        "seal",
        "recipients",
        "policy",
        "defaults",
        "honeycomb",
        "team",
        "include",
        "version",
        "name",
        "type",
        "rotate",
        "every",
        "\"90d\"",
        "permissions",
        "\"{key\"",
        "\"age1\"",
        "\"ssh-rsa AAAA\"",
        "hcaik_",
        "-----BEGIN PRIVATE KEY",
        "://a@",
        "a",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
}

fn answers(texts: Vec<Vec<u8>>) {
    let files = texts.into_iter().enumerate().map(|(n, text)| file(&format!("f{n}.toml"), text)).collect();
    if let Err(problems) = parse(files) {
        assert!(!problems.list().is_empty());
        let shown = render(&problems);
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}') && !shown.contains('\r'),
            "{shown:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printable_garbage_never_panics(text in "\\PC{0,200}") {
        answers(vec![text.clone().into(), main_file(&text).into()]);
    }

    #[test]
    fn bytes_never_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
        answers(vec![text.clone(), text]);
    }

    #[test]
    fn what_looks_like_toml_never_panics(text in toml_like(), more in toml_like()) {
        answers(vec![main_file(&text).into(), more.into()]);
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0_usize..2000, byte in any::<u8>()) {
        let text = main_file(
            "[key.a]\nenvironments = [\"production\", \"staging\"]\ntype = \"configuration\"\n\
             name = \"{key} {{x}}\"\npermissions = [\"run_queries\"]\nrotate = { every = \"90d\", overlap = \"7d\" }\n",
        );
        let text = format!("include = [\"a.toml\", \"b/**\"]\n{text}");
        let mut text = text.into_bytes();
        let length = text.len();
        text[at % length] = byte;
        answers(vec![text]);
    }
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    for text in [
        "[".repeat(100_000),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
    ] {
        answers(vec![format!("{}{text}", head()).into()]);
    }
}
