//! Looks again after the request (step 7): a twin is deleted, before a rival we give way.

use super::look::{Own, Wanted, obstacle, twins};
use super::mint::works;
use super::outcome::{Step as Attempt, changed};
use super::run::Run;
use crate::model::{KeyId, KeyState, LiveKey, Provisional, Record};
use crate::ports::{KeepRecord, OPEN, ReadLive, Surroundings, WriteLive};
use crate::report::Became;

impl<R: ReadLive, W: WriteLive, K: KeepRecord, S: Surroundings> Run<'_, R, W, K, S> {
    /// Nothing keeps our key from being released; what is to be told, if anything.
    pub(super) async fn confirm(
        &self,
        wanted: Wanted<'_>,
        own: Own<'_>,
        listed: &[LiveKey],
    ) -> Attempt<Option<String>> {
        // The listing may lag; the key itself does not.
        if !listed.iter().any(|key| &key.id == own.id) {
            let Some(key) = self.read_key(own.id).await? else { return Err(self.reaped(own.id)) };
            if !key.disabled {
                let why = works(own.id, "shows it enabled");
                self.halt_minting(why.clone());
                return Err(self.disown(own.id, &why).await);
            }
        }
        let lineage = self.with_sealed(|sealed| sealed.lineage.clone());
        let name = Provisional::new(&lineage, wanted.address, own.nonce.clone()).name();
        let now = self.reader.service_now();
        if let Some(rival) = self.with_sealed(|sealed| obstacle(listed, wanted, Some(own), sealed, now)) {
            return Err(self.give_way(own.id, &name, rival.became()).await);
        }
        let mut left = vec![];
        for twin in twins(listed, own, &name) {
            if self.delete_unreleased(&twin, OPEN, |live| as_we_left_it(live, &name)).await.is_err() {
                left.push(format!("`{twin}`"));
            }
        }
        Ok((!left.is_empty()).then(|| {
            format!("the request also made {}, disabled, which could not be deleted", left.join(", "))
        }))
    }

    /// Our key is gone: another run took it for abandoned, or somebody deleted it. It was not enabled.
    pub(super) fn reaped(&self, id: &KeyId) -> Became {
        match self.append(Record::KeyGone { id: id.clone() }) {
            Ok(()) => {
                changed(format!("the key `{id}` is not at the service any more; it was never released"))
            }
            Err(ended) => ended,
        }
    }

    /// Deletes our own key, which was never enabled, so that the other one remains.
    async fn give_way(&self, id: &KeyId, name: &str, rival: Became) -> Became {
        let since = self.service_now();
        let dropping = Record::State { id: id.clone(), state: KeyState::Dropping, since };
        if let Err(ended) = self.append(dropping) {
            return ended;
        }
        let more = match self.delete_unreleased(id, OPEN, |live| as_we_left_it(live, name)).await {
            Ok(_) => match self.append(Record::KeyGone { id: id.clone() }) {
                Ok(()) => format!("ours, `{id}`, was never enabled and has been deleted"),
                Err(ended) => return ended,
            },
            Err(Became::Failed { why, .. }) => format!("ours, `{id}`, was not deleted: {why}"),
            Err(_) => format!("ours, `{id}`, was not deleted"),
        };
        match rival {
            Became::Failed { why, help, cause } => {
                Became::Failed { why: format!("{why}; {more}"), help, cause }
            }
            other => other,
        }
    }
}

/// Still under our own mark, and still disabled.
fn as_we_left_it(live: &LiveKey, name: &str) -> Attempt<()> {
    if live.name == name && live.disabled {
        return Ok(());
    }
    Err(changed(format!("somebody changed the key `{}`", live.id)))
}
