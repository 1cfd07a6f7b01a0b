//! How far an apply is: a bar on a terminal, elsewhere a line now and then.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use super::output::Output;
use crate::apply::Progress;
use crate::plan::Action;
use crate::report::Became;

/// Between two lines where there is no terminal: a log that is silent for minutes looks like one that hangs.
const EVERY: Duration = Duration::from_secs(10);

/// A bar that counts actions and names the one begun last.
pub struct Bar {
    bar: ProgressBar,
    state: Arc<State>,
    lines: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    total: usize,
    done: AtomicUsize,
    current: Mutex<String>,
}

impl State {
    fn line(&self) -> String {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total);
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = if current.is_empty() { String::new() } else { format!(", now: {current}") };
        format!("at work: {done} of {total} done{now}")
    }
}

impl Bar {
    /// A bar for so many actions; where stderr is no terminal a line every ten seconds. Needs a running runtime.
    pub fn new(actions: usize, output: &Output) -> Self {
        let bar = ProgressBar::new(u64::try_from(actions).unwrap_or(u64::MAX));
        let state = Arc::new(State { total: actions, ..State::default() });
        let mut lines = None;
        if !output.stderr_terminal {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            let (state, output) = (Arc::clone(&state), *output);
            lines = Some(tokio::spawn(tell(state, move |line| output.say(line))));
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos}/{len} {wide_msg}") {
            bar.set_style(if output.unicode { style } else { style.tick_chars("-\\|/ ") });
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, state, lines }
    }

    /// Counts one that has no name.
    pub fn one_more(&self) {
        self.state.done.fetch_add(1, Ordering::Relaxed);
        self.bar.inc(1);
    }

    /// Clears it.
    pub fn end(&self) {
        if let Some(lines) = &self.lines {
            lines.abort();
        }
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(lines) = &self.lines {
            lines.abort();
        }
    }
}

/// Tells how far it is, as long as it is at work.
async fn tell(state: Arc<State>, say: impl Fn(&str)) {
    loop {
        tokio::time::sleep(EVERY).await;
        say(&state.line());
    }
}

impl Progress for Bar {
    fn started(&self, action: &Action) {
        tracing::info!(verb = action.verb.as_str(), address = %action.address, "begun");
        let current = format!("{} {}", action.verb.as_str(), action.address);
        self.bar.set_message(current.clone());
        *self.state.current.lock().unwrap_or_else(PoisonError::into_inner) = current;
    }

    fn finished(&self, action: &Action, became: &Became) {
        let ended = match became {
            Became::Done { .. } => "done",
            Became::Staged { .. } => "staged",
            Became::Failed { .. } => "failed",
            Became::Left { .. } | Became::NotStarted { .. } => "not started",
            Became::InDoubt { .. } => "in doubt",
            Became::Blocked => "blocked",
        };
        tracing::info!(verb = action.verb.as_str(), address = %action.address, "{ended}");
        self.one_more();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_is_said_every_ten_seconds_and_none_for_a_short_run() {
        let state = Arc::new(State { total: 40, ..State::default() });
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let (told, heard) = (Arc::clone(&state), Arc::clone(&said));
        let task = tokio::spawn(tell(told, move |line| heard.lock().unwrap().push(line.to_owned())));
        // The paused clock goes on by itself, to the next instant that somebody waits for.
        tokio::time::sleep(Duration::from_millis(9_900)).await;
        assert_eq!(said.lock().unwrap().len(), 0);
        state.done.store(12, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(200)).await;
        *state.current.lock().unwrap() = "create key.production.k13".to_owned();
        tokio::time::sleep(Duration::from_secs(20)).await;
        task.abort();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(
            *said.lock().unwrap(),
            [
                "at work: 12 of 40 done",
                "at work: 12 of 40 done, now: create key.production.k13",
                "at work: 12 of 40 done, now: create key.production.k13",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn off_a_terminal_it_stops_with_the_work() {
        let output = Output::detect(super::super::args::When::Never);
        let bar = Bar::new(3, &Output { stderr_terminal: false, ..output });
        bar.one_more();
        assert_eq!(bar.state.line(), "at work: 1 of 3 done");
        bar.end();
        tokio::task::yield_now().await;
        assert!(bar.lines.as_ref().unwrap().is_finished());
    }
}
