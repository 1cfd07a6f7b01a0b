//! Exit codes: documented constants, the same for every command.

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Unexpected failure.
    Failed = 1,
    /// Changes (`--detailed-exitcode`) or drift.
    Changes = 2,
    /// Configuration or policy error.
    Config = 3,
    /// Not authenticated, or a scope is missing.
    Credential = 4,
    /// Blocked by a guard.
    Blocked = 5,
    /// Partly applied; running again is safe.
    Partly = 7,
    /// Locked, or another run is minting; running again later is safe.
    Locked = 8,
    /// Sealing failed, or the sealed file cannot be used; nothing is live that is not sealed.
    Seal = 9,
    /// Unconfirmed or unsealed: the message says whether to run again or to look.
    Unconfirmed = 10,
    /// Declined at the prompt.
    Declined = 11,
    /// The command line is wrong.
    Usage = 64,
    /// Interrupted by Ctrl-C, after the journal and the table were written.
    Interrupted = 130,
    /// Terminated, after the journal and the table were written.
    Terminated = 143,
}

/// The table that `--help` ends with.
pub const HELP: &str = "\
Exit codes:
  0  done, or nothing to do             8  locked, or another run is minting
  1  unexpected failure                 9  sealing failed; nothing is live that is not sealed
  2  changes (--detailed-exitcode)     10  unconfirmed: the message says what to do
     or drift                          11  declined at the prompt
  3  configuration or policy error     64  usage
  4  not authenticated, scope missing  130 interrupted (Ctrl-C), 143 terminated:
  5  blocked by a guard                    after the journal and the table were written
  7  partly applied, run again";
