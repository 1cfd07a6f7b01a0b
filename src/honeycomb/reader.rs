//! Reads the service.

use super::call::{Call, Caller};
use super::options::{BudgetLeft, Collection};
use super::pages::{List, walk};
use super::wire;
use crate::model::{Access, EnvironmentId, KeyId, KeyType, LiveEnvironment, LiveKey, Secret, Timestamp};
use crate::ports::{Failure, OPEN, Proof, ReadLive, ServiceError};

/// Reads environments and keys of one team; cannot write.
pub struct Reader {
    caller: Caller,
}

impl Reader {
    pub(super) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// What the rate limits leave for reading, as far as answers have told; sorted by collection.
    pub fn budgets(&self) -> Vec<BudgetLeft> {
        self.caller.shared().pacer.left()
    }

    fn list_path(&self, name: &str) -> String {
        format!("/2/teams/{}/{name}", self.caller.shared().team)
    }

    async fn get<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, ServiceError> {
        let mut buffer = Vec::new();
        let status = self.caller.call(call, OPEN, &mut buffer).await?;
        read(&buffer).map_err(|problem| call.error(Failure::Unreadable { status, problem }))
    }
}

impl ReadLive for Reader {
    async fn access(&self) -> Result<Access, ServiceError> {
        self.get(&Call::get(Collection::Auth, "/2/auth"), wire::access).await
    }

    async fn environments(&self) -> Result<Vec<LiveEnvironment>, ServiceError> {
        let path = self.list_path("environments");
        let list = List { collection: Collection::Environments, path: &path, filter: None };
        let found = walk(&self.caller, list, wire::environments).await?;
        Ok(each_once(found, |environment| &environment.id))
    }

    async fn keys(&self, key_type: KeyType) -> Result<Vec<LiveKey>, ServiceError> {
        let path = self.list_path("api-keys");
        let list = List { collection: Collection::Keys, path: &path, filter: Some(key_type.as_str()) };
        let found = walk(&self.caller, list, |body| wire::keys(body, key_type)).await?;
        Ok(each_once(found, |key| &key.id))
    }

    async fn environment(&self, id: &EnvironmentId) -> Result<Option<LiveEnvironment>, ServiceError> {
        let path = self.list_path(&format!("environments/{id}"));
        unless(404, self.get(&Call::get(Collection::Environments, &path), wire::environment).await)
    }

    async fn key(&self, id: &KeyId) -> Result<Option<LiveKey>, ServiceError> {
        let path = self.list_path(&format!("api-keys/{id}"));
        unless(404, self.get(&Call::get(Collection::Keys, &path), wire::key).await)
    }

    async fn prove(&self, credential: &Secret) -> Result<Option<Proof>, ServiceError> {
        let call = Call::get(Collection::KeyAuth, "/1/auth").as_key(credential);
        unless(401, self.get(&call, wire::proof).await)
    }

    fn service_now(&self) -> Option<Timestamp> {
        self.caller.shared().clock.now()
    }
}

/// Takes one status for "no".
fn unless<T>(status: u16, result: Result<T, ServiceError>) -> Result<Option<T>, ServiceError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(ServiceError { failure: Failure::Answered(answer), .. }) if answer.status == status => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sorted by id. Objects may show up on two pages while a list changes; what was seen last counts.
fn each_once<T, I: Ord>(mut items: Vec<T>, id: impl Fn(&T) -> &I) -> Vec<T> {
    items.sort_by(|a, b| id(a).cmp(id(b)));
    items.dedup_by(|later, earlier| {
        let is_same = id(later) == id(earlier);
        if is_same {
            std::mem::swap(later, earlier);
        }
        is_same
    });
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_once_keeps_what_was_seen_last() {
        let seen = vec![(3, "a"), (1, "b"), (3, "c"), (2, "d"), (3, "e")];
        assert_eq!(each_once(seen, |item| &item.0), [(1, "b"), (2, "d"), (3, "e")]);
    }
}
