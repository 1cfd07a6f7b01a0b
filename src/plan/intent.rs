//! What a plan does, apart from when, why and in which words: the same intent does the same to the same things.

use serde::Serialize;

use super::value::{Action, Leftover, MintKey, Plan, Predecessor, SecretEffect, Step, Terms, Verb};
use crate::model::{Address, PlanIntent, RecipientRef, Record, Revoked, SealedKey, Timestamp};

/// All that counts. What is not in here changes no intent.
#[derive(Serialize)]
struct Whole<'a> {
    form: &'static str,
    team: &'a str,
    endpoint: &'a str,
    /// None before the first save: the lineage is made anew until then.
    lineage: Option<&'a str>,
    terms: &'a Terms,
    /// Of the actions that are taken, and of those that are not; sorted.
    deeds: Vec<String>,
    held: Vec<(&'a Address, &'static str)>,
}

/// What one action does.
#[derive(Serialize)]
struct Deed<'a> {
    address: &'a Address,
    verb: Verb,
    generation: Option<u32>,
    id: Option<&'a str>,
    step: Step,
    sealed_to: Vec<&'a RecipientRef>,
}

impl Plan {
    /// What it does, as a short mark.
    ///
    /// In it: team, service, lineage, what was chosen and lifted, and of each action that is taken its address, verb,
    /// generation, id, all that it sends and records, and to whom it seals; of each that is blocked its address and code.
    /// Not in it: times, the serial, texts, places in the files, findings, live values, the order of equal things.
    pub fn intent(&self) -> PlanIntent {
        let header = &self.header;
        let mut deeds: Vec<String> = self.actions.iter().filter_map(Action::deed).collect();
        deeds.sort();
        let code = |action: &Action| action.blocked.as_ref().map(|blocked| blocked.code);
        let mut held: Vec<_> =
            self.actions.iter().filter_map(|action| Some((&action.address, code(action)?))).collect();
        held.sort();
        let lineage = header.sealed.as_ref().filter(|(_, serial)| *serial > 0);
        PlanIntent::of(&json(&Whole {
            form: "keycomb.intent/1",
            team: header.team.as_str(),
            endpoint: header.endpoint.as_str(),
            lineage: lineage.map(|(lineage, _)| lineage.as_str()),
            terms: &header.terms,
            deeds,
            held,
        }))
    }
}

impl Action {
    /// What it does, as canonical text; `None` when it is not taken.
    fn deed(&self) -> Option<String> {
        let mut sealed_to: Vec<&RecipientRef> = match &self.secret {
            SecretEffect::Issued { recipients } => recipients.iter().collect(),
            _ => vec![],
        };
        sealed_to.sort();
        let deed = Deed {
            address: &self.address,
            verb: self.verb,
            generation: self.generation,
            id: self.id.as_deref(),
            step: timeless(&self.step),
            sealed_to,
        };
        self.is_taken().then(|| json(&deed))
    }

    /// Whether it does exactly what another does, whenever and for whatever reason.
    pub fn is_same_deed(&self, other: &Self) -> bool {
        self.deed() == other.deed()
    }
}

fn json(value: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "a plan has text keys, and writing to memory does not fail")]
    serde_json::to_string(value).expect("a plan is JSON")
}

/// The step without clock times, and without ciphertext, which is another each time. All else stays in: what is added to a
/// step later counts until somebody says here that it does not.
fn timeless(step: &Step) -> Step {
    match step.clone() {
        Step::MintKey(mint) => {
            let succeeds = untimed(mint.succeeds.clone());
            Step::MintKey(Box::new(MintKey { succeeds, ..*mint }))
        }
        Step::ReleaseKey { id, enabled, succeeds } => {
            Step::ReleaseKey { id, enabled, succeeds: untimed(succeeds) }
        }
        Step::DiscardKey(leftover) => Step::DiscardKey(Box::new(Leftover { updated: None, ..*leftover })),
        Step::RevokeKey { id, revoked } => Step::RevokeKey { id, revoked: undated(revoked) },
        Step::Record(records) => Step::Record(records.into_iter().map(untimed_record).collect()),
        other => other,
    }
}

fn untimed(succeeds: Vec<Predecessor>) -> Vec<Predecessor> {
    succeeds.into_iter().map(|old| Predecessor { until: None, ..old }).collect()
}

fn undated(revoked: Revoked) -> Revoked {
    Revoked { at: Timestamp::UNIX_EPOCH, ..revoked }
}

fn untimed_record(record: Record) -> Record {
    const NEVER: Timestamp = Timestamp::UNIX_EPOCH;
    let entry = |key: Box<SealedKey>| {
        let sealed = key.sealed.as_ref().map(|_| "sealed".to_owned());
        let revoked = key.revoked.clone().map(undated);
        Box::new(SealedKey { since: NEVER, sealed, revoked, ..*key })
    };
    match record {
        Record::Minted { nonce, key } => Record::Minted { nonce, key: entry(key) },
        Record::Key { key } => Record::Key { key: entry(key) },
        Record::State { id, state, since: _ } => Record::State { id, state, since: NEVER },
        Record::Intent { mut intent } => {
            intent.at = NEVER;
            Record::Intent { intent }
        }
        other => other,
    }
}
