//! Exit codes: documented constants, the same for every command; and which one an apply ends with.

use crate::plan::{Blocked, Plan, ReasonCode, Verb};
use crate::report::{Became, Cause, Outcome, Report};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Unexpected failure.
    Failed = 1,
    /// Changes (`--detailed-exitcode`), drift, or a secret that `scan` found.
    Changes = 2,
    /// Configuration or policy error.
    Config = 3,
    /// Not authenticated, or a scope is missing.
    Credential = 4,
    /// Blocked by a guard; for an apply also: something declared cannot be had.
    Blocked = 5,
    /// A saved plan, or `--expect`, is refused; nothing was written.
    Refused = 6,
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
    /// `secrets exec`: the command is there and cannot be executed, as shells say it.
    NotExecutable = 126,
    /// `secrets exec`: there is no such command, as shells say it.
    NotFound = 127,
    /// The terminal was closed (SIGHUP), after the journal and the table were written.
    HungUp = 129,
    /// Interrupted by Ctrl-C, after the journal and the table were written.
    Interrupted = 130,
    /// Terminated, after the journal and the table were written.
    Terminated = 143,
}

/// The table that `--help` ends with.
pub const HELP: &str = "\
Exit codes:
  0    done, or nothing to do
  1    unexpected failure
  2    changes (--detailed-exitcode), drift, or a secret that `scan` found
  3    configuration or policy error
  4    not authenticated, or a scope is missing
  5    blocked by a guard; apply also: something declared cannot be had
  6    a saved plan, or what --expect says, is refused; nothing was written
  7    partly applied; running again is safe
  8    locked, or another run is minting; running again later is safe
  9    sealing failed, or the sealed file cannot be used; nothing is live that
       is not sealed
  10   unconfirmed, or a key of ours lost its entry in the sealed file: the
       message says whether to run again or to look
  11   declined at the prompt
  64   usage
  126  `secrets exec`: the command cannot be executed, 127 there is none
  129  hung up, 130 interrupted, 143 terminated: after the journal and the
       report were written";

impl Exit {
    /// How a plan that is only shown ends.
    ///
    /// `detailed`: 2 when an apply would do something, or could not do what is declared.
    pub fn of_plan(plan: &Plan, detailed: bool) -> Self {
        if plan.is_unsealed() {
            Self::Unconfirmed
        } else if plan.is_guarded() {
            Self::Blocked
        } else if detailed && (plan.summary.changes > 0 || is_held(plan)) {
            Self::Changes
        } else {
            Self::Done
        }
    }

    /// How an apply ends; the gravest counts. `stopped` is what a signal asks for, if there was one.
    pub fn of_apply(plan: &Plan, report: &Report, stopped: Option<Self>) -> Self {
        // What was left behind harms nobody for being left once more.
        let is_fine = |o: &Outcome| matches!(o.became, Became::Done { .. } | Became::Blocked);
        let only_leftovers = report.outcomes.iter().all(|o| o.verb == Verb::Discard || is_fine(o));
        let failed = |wanted: &[Cause]| {
            let is_wanted = |outcome: &Outcome| match &outcome.became {
                Became::Failed { cause, .. } => {
                    wanted.contains(cause) && (!only_leftovers || *cause == Cause::Seal)
                }
                _ => false,
            };
            report.outcomes.iter().any(is_wanted)
        };
        let is_busy = plan.actions.iter().any(|a| a.blocked.as_ref().is_some_and(|b| b.code == "busy"));
        let (done, fails, not_started, in_doubt) = report.counts();
        if failed(&[Cause::Seal]) || report.unfolded.is_some() {
            Self::Seal
        } else if in_doubt > 0 || failed(&[Cause::Unconfirmed, Cause::NotDisabled]) || plan.is_unsealed() {
            Self::Unconfirmed
        } else if let (true, Some(stopped)) = (report.interrupted, stopped) {
            stopped
        } else if failed(&[Cause::Busy]) || is_busy {
            Self::Locked
        } else if failed(&[Cause::Credential]) {
            Self::Credential
        } else if fails + not_started > 0 {
            if done + report.staged().0 > 0 || only_leftovers { Self::Partly } else { Self::Failed }
        } else if plan.is_guarded() || is_held(plan) {
            Self::Blocked
        } else {
            Self::Done
        }
    }
}

/// Whether something declared, or asked for, cannot be had. A rotation that is due waits for the one before it, and a leftover
/// for its time or for people; an environment waits for the quarantine of its keys. They fail no deploy.
fn is_held(plan: &Plan) -> bool {
    let is_waiting = |blocked: &Blocked| {
        matches!(blocked.verb, Verb::Rotate | Verb::Discard)
            || matches!(blocked.code, "quarantine" | "rotating")
    };
    plan.actions.iter().any(|action| {
        let is_asked = action.reason.code == ReasonCode::Asked;
        action.blocked.as_ref().is_some_and(|blocked| is_asked || !is_waiting(blocked))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, TeamSlug, Timestamp};
    use crate::plan::{
        Action, Finding, FindingKind, Header, Reason, SecretEffect, Select, Severity, Step, Summary, Terms,
        Undo,
    };

    fn plan(blocked: Option<(Verb, &'static str, bool)>) -> Plan {
        let actions: Vec<Action> = blocked
            .into_iter()
            .map(|(verb, code, guard)| Action {
                address: "key.a.b".parse().unwrap(),
                verb: Verb::Blocked,
                key_type: None,
                generation: None,
                id: None,
                name: String::new(),
                changes: vec![],
                reason: Reason { code: ReasonCode::Declared, text: String::new(), origin: None },
                secret: SecretEffect::None,
                undo: Undo::Reversible,
                blocked: Some(Blocked { verb, code, text: String::new(), help: String::new(), guard }),
                after: vec![],
                step: Step::Nothing,
            })
            .collect();
        let guarded = actions.iter().filter(|a| a.blocked.as_ref().is_some_and(|b| b.guard)).count();
        let header = Header {
            team: TeamSlug::new("acme").unwrap(),
            endpoint: Endpoint::us(),
            sealed: None,
            now: Timestamp::UNIX_EPOCH,
            read: Timestamp::UNIX_EPOCH,
            declared: (0, 0),
            terms: Terms::default(),
            snapshot: false,
        };
        Plan { header, actions, findings: vec![], summary: Summary { guarded, ..Summary::default() } }
    }

    fn report(became: Vec<Became>) -> Report {
        let outcome = |became| Outcome {
            address: "key.a.b".parse().unwrap(),
            verb: Verb::Create,
            generation: None,
            id: None,
            became,
            blocked: None,
        };
        Report {
            outcomes: became.into_iter().map(outcome).collect(),
            interrupted: false,
            unfolded: None,
            serial: 1,
            ended: Timestamp::UNIX_EPOCH,
            users: None,
            skipped: vec![],
            select: Select::default(),
        }
    }

    fn failed(cause: Cause) -> Became {
        Became::Failed { why: String::new(), help: None, cause }
    }

    #[test]
    fn an_apply_ends_with_the_gravest_code() {
        let done = || Became::Done { note: None };
        let staged = || Became::Staged { until: Timestamp::UNIX_EPOCH, note: None };
        let left = || Became::Left { why: String::new() };
        let not_started = || Became::NotStarted { why: String::new() };
        let in_doubt = || Became::InDoubt { why: String::new(), help: String::new() };
        for (became, exit) in [
            (vec![], Exit::Done),
            (vec![done()], Exit::Done),
            (vec![done(), failed(Cause::Service)], Exit::Partly),
            (vec![done(), not_started()], Exit::Partly),
            (vec![failed(Cause::Service)], Exit::Failed),
            (vec![failed(Cause::Mismatch), failed(Cause::Changed)], Exit::Failed),
            (vec![done(), failed(Cause::Credential)], Exit::Credential),
            (vec![failed(Cause::Credential), failed(Cause::Busy)], Exit::Locked),
            (vec![failed(Cause::Busy), in_doubt()], Exit::Unconfirmed),
            (vec![failed(Cause::Unconfirmed)], Exit::Unconfirmed),
            (vec![staged(), left()], Exit::Done),
            (vec![left()], Exit::Done),
            (vec![staged(), failed(Cause::Service)], Exit::Partly),
            (vec![staged(), not_started()], Exit::Partly),
            (vec![failed(Cause::NotDisabled)], Exit::Unconfirmed),
            (vec![in_doubt(), failed(Cause::Seal)], Exit::Seal),
        ] {
            let report = report(became);
            assert_eq!(Exit::of_apply(&plan(None), &report, None), exit, "{report:?}");
        }
        let discards = |became| {
            let mut report = report(vec![became, done()]);
            report.outcomes.iter_mut().for_each(|outcome| outcome.verb = Verb::Discard);
            report
        };
        for cause in [Cause::Service, Cause::Changed, Cause::Credential] {
            let report = discards(failed(cause));
            assert_eq!(Exit::of_apply(&plan(None), &report, None), Exit::Partly, "{report:?}");
            let alone = Report { outcomes: report.outcomes[..1].to_vec(), ..report };
            assert_eq!(Exit::of_apply(&plan(None), &alone, None), Exit::Partly, "{alone:?}");
        }
        assert_eq!(Exit::of_apply(&plan(None), &discards(failed(Cause::Seal)), None), Exit::Seal);
        let unfolded = Report { unfolded: Some("full".into()), ..report(vec![done()]) };
        assert_eq!(Exit::of_apply(&plan(None), &unfolded, None), Exit::Seal);
        let interrupted = Report { interrupted: true, ..report(vec![done(), not_started()]) };
        assert_eq!(Exit::of_apply(&plan(None), &interrupted, Some(Exit::Terminated)), Exit::Terminated);
    }

    #[test]
    fn what_is_unsealed_is_graver_than_a_guard_and_only_sealing_is_graver() {
        let finding = Finding {
            kind: FindingKind::Unsealed,
            severity: Severity::High,
            address: None,
            id: None,
            text: String::new(),
            help: None,
            changes: vec![],
            origin: None,
            editor: None,
            updated: None,
        };
        let plan = Plan { findings: vec![finding], ..plan(Some((Verb::Delete, "guard_delete", true))) };
        for detailed in [false, true] {
            assert_eq!(Exit::of_plan(&plan, detailed), Exit::Unconfirmed);
        }
        let done = || Became::Done { note: None };
        assert_eq!(Exit::of_apply(&plan, &report(vec![done()]), None), Exit::Unconfirmed);
        let sealing = report(vec![done(), failed(Cause::Seal)]);
        assert_eq!(Exit::of_apply(&plan, &sealing, None), Exit::Seal);
    }

    #[test]
    fn what_is_blocked_counts_by_what_it_waits_for() {
        for (blocked, apply, shown, detailed) in [
            (None, Exit::Done, Exit::Done, Exit::Done),
            (Some((Verb::Delete, "guard_delete", true)), Exit::Blocked, Exit::Blocked, Exit::Blocked),
            (Some((Verb::Adopt, "exists", false)), Exit::Blocked, Exit::Done, Exit::Changes),
            (Some((Verb::Create, "busy", false)), Exit::Locked, Exit::Done, Exit::Changes),
            (Some((Verb::Delete, "quarantine", false)), Exit::Done, Exit::Done, Exit::Done),
            (Some((Verb::Rotate, "rotating", false)), Exit::Done, Exit::Done, Exit::Done),
            (Some((Verb::Discard, "unfinished", false)), Exit::Done, Exit::Done, Exit::Done),
        ] {
            let plan = plan(blocked);
            assert_eq!(Exit::of_apply(&plan, &report(vec![]), None), apply, "{blocked:?}");
            assert_eq!(Exit::of_plan(&plan, false), shown, "{blocked:?}");
            assert_eq!(Exit::of_plan(&plan, true), detailed, "{blocked:?}");
        }
    }
}
