//! Writes to the service.

use zeroize::Zeroizing;

use super::call::{Call, Caller};
use super::options::Collection;
use super::retry::Repeat;
use super::wire;
use crate::model::{EnvironmentAttributes, EnvironmentId, KeyId, LiveEnvironment, LiveKey};
use crate::ports::{
    CreatedKey, Deletion, Failure, Gate, KeyChange, NewEnvironment, NewKey, ServiceError, WriteLive,
};

/// The longest answer to a request for a key, in bytes: the buffer has this size from the start, so that the
/// secret is never copied to a larger one.
const LONGEST_CREATED: usize = 64 * 1024;

/// Writes environments and keys of one team. Only what applies a plan makes one.
pub struct Writer {
    caller: Caller,
}

impl Writer {
    pub(super) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    fn list_path(&self, name: &str) -> String {
        format!("/2/teams/{}/{name}", self.caller.shared().team)
    }

    async fn change<T>(
        &self,
        call: &Call<'_>,
        gate: Gate<'_>,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, ServiceError> {
        let mut buffer = Vec::new();
        let status = self.caller.call(call, gate, &mut buffer).await?;
        read(&buffer).map_err(|problem| call.error(Failure::Unreadable { status, problem }))
    }

    async fn delete(&self, call: &Call<'_>, gate: Gate<'_>) -> Result<Deletion, ServiceError> {
        match self.caller.call(call, gate, &mut Vec::new()).await {
            // 202 would be a promise, not a deletion.
            Ok(200 | 204) => Ok(Deletion::Deleted),
            Ok(status) => {
                let problem = "expected 204 for a deletion".into();
                Err(call.error(Failure::Unreadable { status, problem }))
            }
            Err(ServiceError { failure: Failure::Answered(answer), .. }) if answer.status == 404 => {
                Ok(Deletion::AlreadyGone)
            }
            Err(error) => Err(error),
        }
    }
}

impl WriteLive for Writer {
    async fn create_environment(
        &self,
        new: &NewEnvironment,
        gate: Gate<'_>,
    ) -> Result<LiveEnvironment, ServiceError> {
        let (path, body) = (self.list_path("environments"), wire::create_environment(new));
        let call = Call::post(Collection::Environments, &path, &body, Repeat::NotDone);
        self.change(&call, gate, wire::environment).await
    }

    async fn update_environment(
        &self,
        id: &EnvironmentId,
        change: &EnvironmentAttributes,
        gate: Gate<'_>,
    ) -> Result<LiveEnvironment, ServiceError> {
        let path = self.list_path(&format!("environments/{id}"));
        let body = wire::update_environment(id, change);
        let call = match change.is_empty() {
            // What an empty PATCH does is not documented; reading has the same result.
            true => Call::get(Collection::Environments, &path),
            false => Call::patch(Collection::Environments, &path, &body),
        };
        self.change(&call, gate, wire::environment).await
    }

    async fn delete_environment(&self, id: &EnvironmentId, gate: Gate<'_>) -> Result<Deletion, ServiceError> {
        let path = self.list_path(&format!("environments/{id}"));
        self.delete(&Call::delete(Collection::Environments, &path), gate).await
    }

    async fn create_key(&self, new: &NewKey, gate: Gate<'_>) -> Result<CreatedKey, ServiceError> {
        let (path, body) = (self.list_path("api-keys"), wire::create_key(new));
        let call = Call::post(Collection::Keys, &path, &body, Repeat::Never).at_most(LONGEST_CREATED);
        let mut buffer = Zeroizing::new(Vec::with_capacity(LONGEST_CREATED));
        let status = self.caller.call(&call, gate, &mut buffer).await?;
        wire::created_key(&buffer).map_err(|problem| call.error(Failure::Unreadable { status, problem }))
    }

    async fn update_key(
        &self,
        id: &KeyId,
        change: &KeyChange,
        gate: Gate<'_>,
    ) -> Result<LiveKey, ServiceError> {
        let path = self.list_path(&format!("api-keys/{id}"));
        let body = wire::update_key(id, change);
        let call = match *change == KeyChange::default() {
            true => Call::get(Collection::Keys, &path),
            false => Call::patch(Collection::Keys, &path, &body),
        };
        self.change(&call, gate, wire::key).await
    }

    async fn delete_key(&self, id: &KeyId, gate: Gate<'_>) -> Result<Deletion, ServiceError> {
        let path = self.list_path(&format!("api-keys/{id}"));
        self.delete(&Call::delete(Collection::Keys, &path), gate).await
    }
}
