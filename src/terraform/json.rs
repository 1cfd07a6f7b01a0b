//! JSON of which little is wanted: whatever has another form than expected is passed over, not refused.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// A value, if it is text or a whole number.
#[derive(Default)]
pub(super) enum Scalar<'a> {
    /// Null, or left out.
    #[default]
    Nothing,
    /// Text without escapes: a piece of the input.
    Text(&'a str),
    /// Text that had escapes; it may be a secret.
    Unescaped(Zeroizing<String>),
    /// A whole number.
    Number(i64),
    /// Anything else.
    Other,
}

impl Scalar<'_> {
    /// The text, if it is text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unescaped(text) => Some(text),
            Self::Nothing | Self::Number(_) | Self::Other => None,
        }
    }

    /// Whether there is something.
    pub(super) fn is_something(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(text))
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Unescaped(Zeroizing::new(text.to_owned())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Number(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
                Ok(i64::try_from(number).map_or(Scalar::Other, Scalar::Number))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Other)
            }
            fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Nothing)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar<'de>, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Scalar<'de>, A::Error> {
                while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The attributes that are wanted of a resource, whatever type it is of.
#[derive(Default)]
pub(super) struct Attributes<'a> {
    pub(super) id: Scalar<'a>,
    pub(super) key_type: Scalar<'a>,
    pub(super) secret: Scalar<'a>,
    /// The header-ready value, in later versions of the provider.
    pub(super) key: Scalar<'a>,
    /// Whether there are any attributes.
    pub(super) is_there: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Attributes<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_unit<E>(self) -> Result<Attributes<'de>, E> {
                Ok(Attributes::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<Attributes<'de>, E> {
                Ok(Attributes::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Attributes<'de>, E> {
                Ok(Attributes::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Attributes<'de>, E> {
                Ok(Attributes::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Attributes<'de>, E> {
                Ok(Attributes::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Attributes<'de>, E> {
                Ok(Attributes::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Attributes<'de>, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Attributes::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Attributes<'de>, A::Error> {
                let mut read = Attributes { is_there: true, ..Attributes::default() };
                while let Some(name) = entries.next_key::<Name>()? {
                    match name {
                        Name::Id => read.id = entries.next_value()?,
                        Name::Type => read.key_type = entries.next_value()?,
                        Name::Secret => read.secret = entries.next_value()?,
                        Name::Key => read.key = entries.next_value()?,
                        Name::Other => {
                            entries.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(read)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Id,
    Type,
    Secret,
    Key,
    #[serde(other)]
    Other,
}
