//! Labels for things that only have a name, which may hold anything.

use std::collections::BTreeSet;

use crate::model::Label;

/// How many characters of a name go into its label; a suffix may follow.
const LONGEST: usize = 48;

/// Makes labels, each once. Two that differ in upper and lower case only count as one: they may become names of files.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    taken: BTreeSet<String>,
}

impl Labels {
    /// Labels besides these.
    pub fn new(taken: impl IntoIterator<Item = Label>) -> Self {
        Self { taken: taken.into_iter().map(|label| label.as_str().to_ascii_lowercase()).collect() }
    }

    /// A label like `name`: its ASCII letters (in lower case) and digits, with a `-` for whatever is between them, and with
    /// `-2`, `-3` … after it where it is taken. A name without any gives `fallback`.
    pub fn make(&mut self, name: &str, fallback: &str) -> Label {
        let slug = slug(name).or_else(|| slug(fallback)).unwrap_or_else(|| "x".to_owned());
        let numbered = (2u32..).map(|number| format!("{slug}-{number}"));
        let free = std::iter::once(slug.clone()).chain(numbered).find(|label| !self.taken.contains(label));
        let text = free.unwrap_or(slug);
        self.taken.insert(text.clone());
        #[expect(
            clippy::expect_used,
            reason = "a slug is 1 to 48 of a-z 0-9 -, and a number is ten digits at most"
        )]
        Label::new(text).expect("a slug is a label")
    }
}

fn slug(name: &str) -> Option<String> {
    let mut slug = String::new();
    for c in name.chars() {
        if slug.len() >= LONGEST {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    (!slug.is_empty()).then_some(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_gives_a_label_and_none_is_given_twice() {
        let mut labels = Labels::new([Label::new("API").unwrap()]);
        let names = [
            ("checkout collectors", "checkout-collectors"),
            ("Checkout — Collectors!", "checkout-collectors-2"),
            ("api", "api-2"),
            ("../../etc/passwd", "etc-passwd"),
            ("größe", "gr-e"),
            ("\u{202e}東京", "key"),
            ("", "key-2"),
            ("-----", "key-3"),
            ("key-2", "key-2-2"),
        ];
        for (name, label) in names {
            assert_eq!(labels.make(name, "key").as_str(), label, "{name:?}");
        }
        let long = labels.make(&"a".repeat(500), "key");
        assert_eq!(long.as_str(), "a".repeat(LONGEST));
    }
}
