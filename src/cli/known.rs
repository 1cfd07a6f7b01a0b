//! What is known before anything is decided: the record, the service, and the history of the sealed file.

use std::collections::BTreeMap;

use tracing::Instrument as _;

use super::failure::Failure;
use super::output::Output;
use super::session::Session;
use super::traced;
use crate::model::{Desired, KeyId, Live, Sealed};
use crate::plan::{Allow, Ask, Input};

/// Everything that deciding needs besides the configuration.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// What the sealed file remembers; `None` when there is none.
    pub(super) sealed: Option<&'a Sealed>,
    /// What the service says.
    pub(super) live: Live,
    /// Keys that only an older version of the sealed file has an entry of, with a commit that has it.
    pub(super) elsewhere: BTreeMap<KeyId, String>,
}

impl<'a> Known<'a> {
    /// Reads the service, and git where there is something to look up.
    ///
    /// # Errors
    /// Those of [`Session::live`].
    pub(super) async fn read(
        session: &Session,
        sealed: Option<&'a Sealed>,
        output: &Output,
    ) -> Result<Self, Failure> {
        let reading = async {
            let live = session.live(sealed).await?;
            let elsewhere = session.elsewhere(sealed, &live, output).await;
            Ok(Self { sealed, live, elsewhere })
        };
        reading.instrument(traced::phase("read")).await
    }

    /// The planner's input.
    pub(super) fn input<'b>(&'b self, desired: &'b Desired, allow: Allow, ask: Ask) -> Input<'b> {
        let Self { sealed, live, elsewhere } = self;
        Input { desired, live, sealed: *sealed, now: live.now, allow, ask, elsewhere: elsewhere.clone() }
    }
}
