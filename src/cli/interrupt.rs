//! Ctrl-C, SIGTERM, SIGHUP: the first asks to stop, the second ends the process at once.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

use super::exit::Exit;
use super::failure::Failure;
use super::hidden;

/// Whether somebody asked to stop, and how.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    exit: AtomicU8,
    raised: Notify,
}

impl Interrupt {
    /// Listens from here on, in the background. Needs a running runtime.
    pub fn listen() -> Self {
        let interrupt = Self::default();
        // At once: the task may be some time in coming, and a signal until then would end the process.
        let Ok(mut signals) = Signals::new() else { return interrupt };
        let raised = interrupt.clone();
        tokio::spawn(async move {
            let exit = signals.next().await;
            // A prompt is before everything that writes, and nothing else ends its waiting.
            if hidden::abandon() {
                let _ = writeln!(std::io::stderr().lock(), "\ninterrupted; nothing was written");
                std::process::exit(i32::from(exit as u8));
            }
            raised.raise(exit);
            let exit = signals.next().await;
            // Everything that matters is fsynced before it is relied on: ending here loses nothing.
            let _ = writeln!(
                std::io::stderr().lock(),
                "ended at once; what was sealed is in the journal beside the sealed file: run the same command again"
            );
            std::process::exit(i32::from(exit as u8));
        });
        interrupt
    }

    fn raise(&self, exit: Exit) {
        self.0.exit.store(exit as u8, Ordering::SeqCst);
        self.0.raised.notify_waiters();
    }

    /// Whether somebody asked to stop.
    pub fn is_raised(&self) -> bool {
        self.0.exit.load(Ordering::SeqCst) != 0
    }

    /// The exit code that the signal asks for.
    pub fn exit(&self) -> Exit {
        let raised = self.0.exit.load(Ordering::SeqCst);
        let is_it = |exit: &Exit| *exit as u8 == raised;
        [Exit::HungUp, Exit::Terminated].into_iter().find(is_it).unwrap_or(Exit::Interrupted)
    }

    /// Runs what only reads: a signal ends it at once.
    ///
    /// # Errors
    /// Those of `work`; the signal's exit code when interrupted.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            ended = work => ended,
            () = self.raised() => Err(Failure::words(self.exit(), "interrupted", "nothing was written")),
        }
    }

    /// Waits until somebody asks to stop.
    pub async fn raised(&self) {
        let notified = self.0.raised.notified();
        if !self.is_raised() {
            notified.await;
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.hangup.recv() => Exit::HungUp,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Exit {
        let _ = tokio::signal::ctrl_c().await;
        Exit::Interrupted
    }
}
