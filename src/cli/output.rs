//! stdout is the result, stderr is talk. A closed pipe is a clean end.

use std::io::{self, IsTerminal, Write};

use super::args::When;
use super::ci::Ci;
use super::failure::Failure;

/// Where things are shown, and how.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Colour on stdout.
    pub stdout_color: bool,
    /// Colour on stderr.
    pub stderr_color: bool,
    /// Whether a person reads stderr and can answer on stdin.
    pub interactive: bool,
    /// Whether stderr is a terminal.
    pub stderr_terminal: bool,
    /// Whether symbols beyond ASCII can be shown.
    pub unicode: bool,
    /// Whether stdout is a terminal.
    pub stdout_terminal: bool,
    /// Columns.
    pub width: usize,
    /// The runner whose log this is.
    pub ci: Ci,
}

impl Output {
    /// Looks at the terminal and its variables once.
    pub fn detect(color: When) -> Self {
        let stdout_terminal = io::stdout().is_terminal();
        let stderr_terminal = io::stderr().is_terminal();
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        let wanted = |terminal: bool| match color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !dumb && variable("NO_COLOR").is_none(),
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
        let unicode = locale.is_none_or(|locale| {
            let locale = locale.to_string_lossy().to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        Self {
            stdout_color: wanted(stdout_terminal),
            stderr_color: wanted(stderr_terminal),
            interactive: io::stdin().is_terminal() && stderr_terminal,
            stderr_terminal,
            unicode: unicode && !dumb,
            stdout_terminal,
            width: width(stdout_terminal),
            ci: Ci::detect(|name| variable(name).is_some()),
        }
    }

    /// Writes a result to stdout. A reader that went away is no error.
    ///
    /// # Errors
    /// When stdout cannot be written for another reason, such as a full disk (exit 1).
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::io("cannot write the result to stdout", "is the disk full?", error))
            }
            _ => Ok(()),
        }
    }

    /// Says something on stderr. What cannot be said is lost: there is nowhere else to say it.
    pub fn say(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// The terminal's width, or 100 columns where there is none.
fn width(stdout_terminal: bool) -> usize {
    const NO_TERMINAL: usize = 100;
    if !stdout_terminal {
        return NO_TERMINAL;
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    columns.unwrap_or_else(|| usize::from(dialoguer::console::Term::stdout().size().1)).clamp(40, 200)
}
