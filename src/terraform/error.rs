//! Why a file is no state that can be read. Never repeats what stands in it.

use miette::Diagnostic;
use thiserror::Error;

/// Why a file cannot be used. The words are for people; none of them come out of the file.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
pub enum StateError {
    /// Larger than is read.
    #[error("the state is larger than {} MiB", super::state::MAX_BYTES >> 20)]
    #[diagnostic(help("split it with `terraform state mv`, or pass one module's part of it"))]
    TooLarge,
    /// Nothing in it.
    #[error("there is nothing in it")]
    #[diagnostic(help("expected a `terraform.tfstate`, or what `terraform show -json` prints"))]
    Empty,
    /// UTF-16, as PowerShell writes what it redirects.
    #[error("it is UTF-16; expected UTF-8")]
    #[diagnostic(help(
        "PowerShell's `>` writes UTF-16: use `terraform show -json | Out-File -Encoding utf8 FILE`"
    ))]
    Utf16,
    /// No JSON.
    #[error("{problem} (line {line}, column {column})")]
    #[diagnostic(help("expected a whole `terraform.tfstate`, or what `terraform show -json` prints"))]
    Syntax {
        /// What is wrong.
        problem: &'static str,
        /// From 1; 0 where nothing was read.
        line: usize,
        /// From 1; 0 at a line's end.
        column: usize,
    },
    /// JSON, and neither of the two.
    #[error("it is JSON, but neither a state nor what `show -json` prints of one")]
    #[diagnostic(help(
        "`terraform state pull > FILE` writes a state, `terraform show -json > FILE` its other form"
    ))]
    NotAState,
    /// Encrypted by OpenTofu.
    #[error("the state is encrypted by OpenTofu")]
    #[diagnostic(help(
        "where its keys are configured: `tofu show -json | keycomb import terraform -`; nothing is then written in clear"
    ))]
    Encrypted,
    /// Encrypted by SOPS.
    #[error("the file is encrypted by SOPS")]
    #[diagnostic(help("`sops decrypt FILE | keycomb import terraform -`; nothing is then written in clear"))]
    Sops,
    /// A plan's JSON.
    #[error("it is a plan, not a state")]
    #[diagnostic(help("run `terraform show -json` without a plan file"))]
    Plan,
    /// A state of another version.
    #[error("it is a state of version {found}; expected version 4")]
    #[diagnostic(help(
        "`terraform refresh` or `apply` with Terraform 0.12 or later, or with OpenTofu, brings it up to date"
    ))]
    Version {
        /// What it says.
        found: i64,
    },
    /// `show -json` of another format.
    #[error("`format_version` is not 1.x")]
    #[diagnostic(help(
        "use Terraform 1.1 or later, or OpenTofu, to print it; or pass the state file itself"
    ))]
    Format,
}

impl StateError {
    /// From the parser's error, without its words: they quote the text.
    pub(super) fn of(error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        let problem = match error.classify() {
            Category::Eof => "the JSON ends too early",
            Category::Syntax | Category::Io => "it is not JSON",
            Category::Data => "it is JSON of another form than a state",
        };
        Self::Syntax { problem, line: error.line(), column: error.column() }
    }
}
