//! A credential from stdin: piped, or on a terminal typed where nobody sees it. Never an argument.

use std::io::{IsTerminal as _, Read as _};

use zeroize::Zeroizing;

use super::output::Output;

/// Longer than any credential and what it was copied with, in bytes.
const LONGEST: usize = 4096;

/// Reads all of stdin, on a terminal one line, which is not shown: `what` is asked for. Empty where that is not possible.
///
/// # Errors
/// Why it can be no credential.
pub(super) fn read(what: &str, output: &Output) -> Result<Zeroizing<String>, &'static str> {
    if output.interactive {
        return Ok(ask(&format!("{what} (not shown)")).unwrap_or_default());
    }
    if std::io::stdin().is_terminal() {
        return Err("the terminal would show it while it is typed, since stderr is none to ask on");
    }
    // Room for everything from the start: growing would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let read = std::io::stdin().lock().take(LONGEST as u64 + 1).read_to_end(&mut bytes);
    if read.map_err(|_| "it cannot be read")? > LONGEST {
        return Err("it is too long");
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not text")?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Asks on the terminal for a line that is not shown; `None` where nothing came.
pub(super) fn ask(prompt: &str) -> Option<Zeroizing<String>> {
    terminal::remember();
    let asked = dialoguer::Password::new().with_prompt(prompt).interact();
    terminal::forget();
    asked.ok().map(Zeroizing::new)
}

/// Puts the terminal right if somebody is being asked: a signal ends the prompt, and typing would stay unseen.
pub(super) fn abandon() -> bool {
    terminal::restore()
}

#[cfg(unix)]
mod terminal {
    use std::io::stdin;
    use std::sync::{Mutex, PoisonError};

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

    /// As the terminal was before the prompt that is open.
    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    fn set(before: Option<Termios>) -> Option<Termios> {
        std::mem::replace(&mut *BEFORE.lock().unwrap_or_else(PoisonError::into_inner), before)
    }

    pub(super) fn remember() {
        set(tcgetattr(stdin()).ok());
    }

    pub(super) fn forget() {
        set(None);
    }

    pub(super) fn restore() -> bool {
        set(None).is_some_and(|before| tcsetattr(stdin(), OptionalActions::Now, &before).is_ok())
    }
}

#[cfg(not(unix))]
mod terminal {
    pub(super) fn remember() {}

    pub(super) fn forget() {}

    pub(super) fn restore() -> bool {
        false
    }
}
