//! What can be wrong with a fault, switch or rate limit written as text.

use std::time::Duration;

use jiff::SignedDuration;

/// A fault, switch or rate limit that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum SpecError {
    /// The first word of a fault is none of the kinds.
    #[error("unknown fault `{found}`, expected one of {}", expected.join(", "))]
    #[diagnostic(help(
        "write KIND[:METHOD[:COLLECTION]][@N|@N+|%P][=ARG], for example `drop-after:POST:api-keys@2`"
    ))]
    UnknownKind {
        /// What was written.
        found: String,
        /// The kinds there are.
        expected: Vec<&'static str>,
    },
    /// A part of a fault, a switch's value or a rate limit is not of its form.
    #[error("{part} `{found}` is not {expected}")]
    #[diagnostic(help(
        "examples: `drop-after:POST:api-keys@2`, `slow%10=200ms`, `status:GET=503-html`, `switch:retry_after=seconds`, `100/60s`"
    ))]
    BadPart {
        /// Which part.
        part: &'static str,
        /// What was written.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A fault that needs an argument has none.
    #[error("fault `{kind}` needs {expected} after `=`")]
    #[diagnostic(help("for example `slow=200ms`, `truncate=10`, `status=503-html`"))]
    NoArgument {
        /// The kind.
        kind: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// A fault that takes no argument has one.
    #[error("fault `{kind}` takes no argument, found `{found}`")]
    #[diagnostic(help("remove `={found}`"))]
    Argument {
        /// The kind.
        kind: &'static str,
        /// What was written.
        found: String,
    },
    /// No switch has this name.
    #[error("unknown switch `{found}`, expected one of {}", expected.join(", "))]
    #[diagnostic(help("write `switch:NAME=VALUE`, for example `switch:encode_brackets=true`"))]
    UnknownSwitch {
        /// What was written.
        found: String,
        /// The switches there are.
        expected: Vec<&'static str>,
    },
}

/// Reads a duration such as `200ms`, `60s` or `1m 30s`. Zero is a duration; less is not.
pub(super) fn parse_duration(part: &'static str, text: &str) -> Result<Duration, SpecError> {
    let wrong = || SpecError::BadPart {
        part,
        found: text.to_owned(),
        expected: "a duration such as `200ms` or `60s`",
    };
    let signed: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_words_and_never_negative() {
        assert_eq!(parse_duration("x", "200ms").unwrap(), Duration::from_millis(200));
        assert_eq!(parse_duration("x", "60s").unwrap(), Duration::from_secs(60));
        assert_eq!(parse_duration("x", "1m 30s").unwrap(), Duration::from_secs(90));
        for wrong in ["", "5", "-5s", "5 parsecs"] {
            assert!(parse_duration("x", wrong).is_err(), "{wrong}");
        }
    }
}
