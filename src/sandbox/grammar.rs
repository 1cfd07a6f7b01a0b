//! How a fault is written and read: `KIND[:METHOD[:COLLECTION]][@N|@N+|%P][=ARG]`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Method;

use super::faults::{Canned, Fault, Kind, Shape, When};
use super::route::Collection;
use super::spec::{SpecError, parse_duration};

const KINDS: [&str; 12] = [
    "drop-before",
    "drop-after",
    "status",
    "status-after",
    "slow",
    "truncate",
    "repeat-cursor",
    "no-links",
    "duplicate",
    "late",
    "stale-list",
    "skew",
];

impl FromStr for Fault {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (head, argument) = match text.split_once('=') {
            Some((head, argument)) => (head, Some(argument)),
            None => (text, None),
        };
        let (head, when) = split_when(head)?;
        let mut parts = head.split(':');
        let kind = kind(parts.next().unwrap_or_default(), argument)?;
        let method = parts.next().map(method).transpose()?.flatten();
        let collection = parts.next().map(collection).transpose()?.flatten();
        if let Some(extra) = parts.next() {
            return Err(bad("part", extra, "expected: KIND:METHOD:COLLECTION is all there is"));
        }
        Ok(Self { kind, method, collection, when })
    }
}

fn bad(part: &'static str, found: &str, expected: &'static str) -> SpecError {
    SpecError::BadPart { part, found: found.to_owned(), expected }
}

fn split_when(head: &str) -> Result<(&str, When), SpecError> {
    if let Some((rest, percent)) = head.split_once('%') {
        return match percent.parse() {
            Ok(percent @ 1..=100) => Ok((rest, When::Percent(percent))),
            _ => Err(bad("share", percent, "a percentage from 1 to 100")),
        };
    }
    let Some((rest, count)) = head.split_once('@') else {
        return Ok((head, When::Always));
    };
    let (digits, from) = match count.strip_suffix('+') {
        Some(digits) => (digits, true),
        None => (count, false),
    };
    match digits.parse() {
        Ok(0) | Err(_) => Err(bad("count", count, "a number from 1, or one with `+` behind it")),
        Ok(number) if from => Ok((rest, When::From(number))),
        Ok(number) => Ok((rest, When::Only(number))),
    }
}

fn method(text: &str) -> Result<Option<Method>, SpecError> {
    match text {
        "*" => Ok(None),
        "GET" => Ok(Some(Method::GET)),
        "POST" => Ok(Some(Method::POST)),
        "PATCH" => Ok(Some(Method::PATCH)),
        "DELETE" => Ok(Some(Method::DELETE)),
        _ => Err(bad("method", text, "`GET`, `POST`, `PATCH`, `DELETE` or `*`")),
    }
}

fn collection(text: &str) -> Result<Option<Collection>, SpecError> {
    match text {
        "*" => Ok(None),
        "api-keys" => Ok(Some(Collection::ApiKeys)),
        "environments" => Ok(Some(Collection::Environments)),
        "auth" => Ok(Some(Collection::Auth)),
        _ => Err(bad("collection", text, "`api-keys`, `environments`, `auth` or `*`")),
    }
}

fn kind(name: &str, argument: Option<&str>) -> Result<Kind, SpecError> {
    match name {
        "drop-before" => plain("drop-before", argument, Kind::DropBefore),
        "drop-after" => plain("drop-after", argument, Kind::DropAfter),
        "status" => canned(needed("status", "CODE-SHAPE", argument)?).map(Kind::Status),
        "status-after" => canned(needed("status-after", "CODE-SHAPE", argument)?).map(Kind::StatusAfter),
        "slow" => parse_duration("delay", needed("slow", "a duration", argument)?).map(Kind::Slow),
        "truncate" => number(needed("truncate", "a number of bytes", argument)?).map(Kind::Truncate),
        "repeat-cursor" => plain("repeat-cursor", argument, Kind::RepeatCursor),
        "no-links" => plain("no-links", argument, Kind::NoLinks),
        "duplicate" => plain("duplicate", argument, Kind::Duplicate),
        "late" => parse_duration("delay", needed("late", "a duration", argument)?).map(Kind::Late),
        "stale-list" => number(needed("stale-list", "a number of keys", argument)?).map(Kind::StaleList),
        "skew" => plain("skew", argument, Kind::Skew),
        _ => Err(SpecError::UnknownKind { found: name.to_owned(), expected: KINDS.to_vec() }),
    }
}

fn plain(name: &'static str, argument: Option<&str>, kind: Kind) -> Result<Kind, SpecError> {
    match argument {
        None => Ok(kind),
        Some(found) => Err(SpecError::Argument { kind: name, found: found.to_owned() }),
    }
}

fn needed<'a>(
    kind: &'static str,
    expected: &'static str,
    argument: Option<&'a str>,
) -> Result<&'a str, SpecError> {
    argument.filter(|argument| !argument.is_empty()).ok_or(SpecError::NoArgument { kind, expected })
}

fn number(text: &str) -> Result<usize, SpecError> {
    text.parse().map_err(|_| bad("argument", text, "a whole number"))
}

fn canned(text: &str) -> Result<Canned, SpecError> {
    let wrong = || bad("argument", text, "CODE-SHAPE, for example `503-html`");
    let (code, shape) = text.split_once('-').ok_or_else(wrong)?;
    let status: u16 = code.parse().map_err(|_| wrong())?;
    if !(400..=599).contains(&status) {
        return Err(bad("status", code, "from 400 to 599"));
    }
    let shape = match shape {
        "html" => Shape::Html,
        "text" => Shape::Text,
        "empty" => Shape::Empty,
        "jsonapi" => Shape::JsonApi,
        "problem" => Shape::Problem,
        "legacy" => Shape::Legacy,
        _ => {
            return Err(bad("shape", shape, "`html`, `text`, `empty`, `jsonapi`, `problem` or `legacy`"));
        }
    };
    Ok(Canned { status, shape })
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, method, collection, when } = self;
        let (name, argument) = kind.words();
        f.write_str(name)?;
        match (method, collection) {
            (None, None) => {}
            (Some(method), None) => write!(f, ":{method}")?,
            (method, Some(collection)) => {
                write!(f, ":{}:{}", method.as_ref().map_or("*", Method::as_str), collection.name())?;
            }
        }
        match when {
            When::Always => {}
            When::Only(number) => write!(f, "@{number}")?,
            When::From(number) => write!(f, "@{number}+")?,
            When::Percent(percent) => write!(f, "%{percent}")?,
        }
        argument.map_or(Ok(()), |argument| write!(f, "={argument}"))
    }
}

impl Kind {
    fn words(self) -> (&'static str, Option<String>) {
        match self {
            Self::DropBefore => ("drop-before", None),
            Self::DropAfter => ("drop-after", None),
            Self::Status(canned) => ("status", Some(canned.to_string())),
            Self::StatusAfter(canned) => ("status-after", Some(canned.to_string())),
            Self::Slow(delay) => ("slow", Some(millis(delay))),
            Self::Truncate(bytes) => ("truncate", Some(bytes.to_string())),
            Self::RepeatCursor => ("repeat-cursor", None),
            Self::NoLinks => ("no-links", None),
            Self::Duplicate => ("duplicate", None),
            Self::Late(delay) => ("late", Some(millis(delay))),
            Self::StaleList(keys) => ("stale-list", Some(keys.to_string())),
            Self::Skew => ("skew", None),
        }
    }
}

fn millis(delay: Duration) -> String {
    format!("{}ms", delay.as_millis())
}

impl fmt::Display for Canned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match self.shape {
            Shape::Html => "html",
            Shape::Text => "text",
            Shape::Empty => "empty",
            Shape::JsonApi => "jsonapi",
            Shape::Problem => "problem",
            Shape::Legacy => "legacy",
        };
        write!(f, "{}-{shape}", self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_print_as_they_are_read() {
        for text in [
            "drop-before",
            "drop-after:POST:api-keys@2",
            "status:GET=503-html",
            "status-after:PATCH:environments@3+=500-jsonapi",
            "slow%10=200ms",
            "truncate:*:auth=10",
            "repeat-cursor@2",
            "no-links",
            "duplicate:POST",
            "late:DELETE=1500ms",
            "stale-list=3",
            "skew@1",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_star_is_the_same_as_nothing() {
        assert_eq!("slow:*:*=1s".parse::<Fault>().unwrap(), "slow=1000ms".parse().unwrap());
    }

    #[test]
    fn what_is_not_of_the_grammar_is_refused() {
        for text in [
            "",
            "explode",
            "drop-before=1",
            "slow",
            "slow=",
            "slow=fast",
            "status=200-html",
            "status=503",
            "status=503-xml",
            "truncate=-1",
            "drop-before@0",
            "drop-before@x",
            "drop-before%0",
            "drop-before%101",
            "drop-before:PUT",
            "drop-before:GET:boards",
            "drop-before:GET:auth:x",
        ] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
