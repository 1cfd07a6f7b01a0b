//! What a text that leaked looks like. Only what looks like Honeycomb's is ever shown to Honeycomb.

use crate::model::KeyId;

/// What a text looks like.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// An ingest key's credential: its id is in it.
    Ingest(KeyId),
    /// A configuration key's credential, or a Classic key: it says nothing of itself.
    Configuration,
    /// A management key, where in the text its secret begins, and its id.
    Management(String),
    /// A key of a Classic environment.
    Classic,
    /// A key of HoneyHive.
    HoneyHive,
    /// An id without a secret.
    IdAlone(String),
    /// Nothing of Honeycomb's.
    Unknown,
}

/// An id: `hc`, three letters, `_`, 26 characters (Honeycomb's documentation: identifiers).
const ID: usize = 32;

impl Shape {
    /// Looks at a credential as [`bare`] leaves it.
    pub(super) fn of(text: &str) -> Self {
        if text.starts_with("hh_") {
            return Self::HoneyHive;
        }
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_lower = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        match (text.len(), kind(text)) {
            (_, Some("mk")) => match text.split_once(':') {
                Some((id, secret)) if !id.is_empty() && !secret.is_empty() => Self::Management(id.to_owned()),
                _ => Self::IdAlone(id_of(text)),
            },
            (ID, Some("ik" | "lk" | "ic")) => Self::IdAlone(id_of(text)),
            (33.., Some("ic")) => Self::Classic,
            (33.., Some("ik")) => KeyId::new(id_of(text)).map_or(Self::Unknown, Self::Ingest),
            // Shapes: libhoney and Refinery take 20 to 23 for an API key, 32 for a Classic one.
            (20..=23, None) if is_plain => Self::Configuration,
            (32, None) if is_lower => Self::Configuration,
            _ => Self::Unknown,
        }
    }
}

fn id_of(text: &str) -> String {
    text.get(..ID).unwrap_or(text).to_owned()
}

/// The two letters of `hcXik_…` and its like.
fn kind(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("hc")?;
    let is_id = rest.as_bytes().get(3) == Some(&b'_') && rest.bytes().take(3).all(|b| b.is_ascii_lowercase());
    rest.get(1..3).filter(|_| is_id)
}

/// What is around a credential where it was copied from: blanks, quotes, `NAME=`, `X-Honeycomb-Team:`, `Bearer`.
pub(super) fn bare(text: &str) -> &str {
    let text = text.trim();
    let text = text.rsplit_once('=').map_or(text, |(_, value)| value);
    let header =
        |text: &str, name: &str| text.get(..name.len()).is_some_and(|s| s.eq_ignore_ascii_case(name));
    let mut text = text.trim();
    for name in ["x-honeycomb-team:", "authorization:", "bearer "] {
        if header(text, name) {
            text = text.get(name.len()..).unwrap_or_default().trim();
        }
    }
    text.trim_matches(|c: char| c.is_whitespace() || "\"'`,;".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "k3j9x0q7w2e8r5t1y6u4i0p9a3s7d2f8";
    const ID26: &str = "01k5v7m3t9q4w8x2y6z0a1b2c4";

    #[test]
    fn each_kind_is_told_by_its_shape() {
        let id = |kind: &str| format!("hca{kind}_{ID26}");
        for (text, shape) in [
            (format!("{}{SECRET}", id("ik")), Shape::Ingest(KeyId::new(id("ik")).unwrap())),
            (format!("{}{SECRET}", id("ic")), Shape::Classic),
            (format!("{}:{SECRET}", id("mk")), Shape::Management(id("mk"))),
            (id("mk"), Shape::IdAlone(id("mk"))),
            (id("ik"), Shape::IdAlone(id("ik"))),
            (id("lk"), Shape::IdAlone(id("lk"))),
            (format!("hh_{SECRET}"), Shape::HoneyHive),
            ("aB3dE5gH7jK9mN1pQ3sT5v".into(), Shape::Configuration),
            (SECRET.into(), Shape::Configuration),
            ("0123456789abcdef0123456789abcdef".into(), Shape::Configuration),
            ("ghp_aB3dE5gH7jK9mN1pQ3sT5v".into(), Shape::Unknown),
            ("AKIAIOSFODNN7EXAMPLE/x".into(), Shape::Unknown),
            ("hunter2".into(), Shape::Unknown),
            (String::new(), Shape::Unknown),
            ("hcä".into(), Shape::Unknown),
        ] {
            assert_eq!(Shape::of(&text), shape, "{text}");
        }
    }

    #[test]
    fn what_it_was_copied_with_is_no_part_of_it() {
        for text in [
            "k\n",
            " \"k\" ",
            "HONEYCOMB_API_KEY=k",
            "export X='k';",
            "x-honeycomb-team: k",
            "X-Honeycomb-Team:k",
            "Authorization: Bearer k",
            "`k`,",
        ] {
            assert_eq!(bare(text), "k", "{text}");
        }
        assert_eq!(bare("id:secret"), "id:secret");
    }
}
